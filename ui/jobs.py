"""The tab of audiobooks: those that are made, and those that are done."""

from collections.abc import Awaitable, Callable
from html import escape
from typing import Any, Final

import gradio as gr

from deployments.errors import NotFound, ServiceError
from deployments.profiles import Profile
from deployments.service.job_desk import JobAction, LocalJobs
from deployments.settings import Settings
from ui import markup
from ui.backend import Backend
from ui.book import book_form
from ui.failure import sentence, show_failures
from ui.job_links import JobLinks
from ui.job_markup import job_list
from ui.recording import Recordings
from ui.texts import Texts
from ui.visitor import Visitor

_EVERY: Final = 2.0
"""Seconds between updates, while the tab is open."""
_MOST: Final = 50
"""Jobs that are listed."""
_SCRIPT: Final = """
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-event]');
  if (!button || (button.dataset.confirm && !confirm(button.dataset.confirm))) return;
  const { event: name, chapter, title } = button.dataset;
  if (name === 'play') trigger('play', { job: button.value, chapter: +chapter, title });
  else { props.value = button.value; trigger(name); }
});
// The next chapter follows by itself.
document.addEventListener('ended', ({ target }) => {
  const { job, chapter } = target.dataset;
  if (job) element.querySelector(`[data-event=play][value="${job}"][data-chapter="${+chapter + 1}"]`)?.click();
}, true);
"""


def jobs_tab(
    tab: gr.Tab,
    texts: Texts,
    backend: Backend,
    desk: LocalJobs,
    links: JobLinks,
    recordings: Recordings,
    settings: Settings,
    profile: Profile,
) -> tuple[gr.Timer, gr.Dropdown]:
    """Builds the tab; returns its timer, for other tabs to stop, and its choice of voices, for them to update."""
    books = texts.books
    # The template holds nothing but the one name: Gradio evaluates the text of a template, but not what it inserts.
    listed = gr.HTML(
        "", label=books.job, html_template="${jobs}", jobs="", js_on_load=_SCRIPT, elem_id="jobs", render=False
    )
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=320):
            form = book_form(texts, backend, desk, recordings, settings, profile, listed)
        with gr.Column(scale=3, min_width=320):
            gr.HTML(markup.step(books.jobs))
            player = gr.HTML(label=books.player, elem_id="book-player")
            listed.render()
    clock = gr.Timer(_EVERY, active=False)

    async def look(chosen: str, request: gr.Request) -> Any:
        """Renders the jobs, and the chapters of one of them; by default, of the newest."""
        visitor = Visitor.of(request)
        try:
            jobs = [job for job in await desk.list(visitor.client) if job.kind == "speech"][:_MOST]
            known = next((job.id for job in jobs if job.id == chosen), jobs[0].id if jobs else None)
            job = await desk.get(visitor.client, known) if known else None
        except NotFound:  # deleted in between
            return gr.skip()
        except ServiceError as error:
            return gr.HTML(jobs=markup.hint(sentence(error, texts)))
        return gr.HTML(jobs=job_list(jobs, job, texts, links, visitor.prefix, desk.owner(visitor.client)))

    def play(event: gr.EventData, request: gr.Request) -> str:
        visitor = Visitor.of(request)
        address = links.link(visitor.prefix, desk.owner(visitor.client), str(event.job), "mp3", int(event.chapter))
        title = escape(str(event.title))
        return (
            f'<p class="hint">{title}</p><audio controls autoplay src="{escape(address)}" aria-label="{title}"'
            f' data-job="{escape(str(event.job))}" data-chapter="{int(event.chapter)}"></audio>'
        )

    def changing(action: JobAction, about: str) -> Callable[[str, gr.Request], Awaitable[None]]:
        async def change(chosen: str, request: gr.Request) -> None:
            with show_failures(texts):
                await desk.change(Visitor.of(request).client, chosen, action)

        change.__doc__ = about
        return change

    quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None}
    tab.select(look, listed, listed, api_name="jobs", **quiet)
    tab.select(lambda: gr.Timer(active=True), None, clock, api_visibility="private", queue=False)
    clock.tick(look, listed, listed, api_visibility="private", **quiet)
    listed.expand(look, listed, listed, api_visibility="private", **quiet)
    listed.play(play, None, player, api_visibility="private", **quiet)
    changes: tuple[tuple[Any, JobAction, str], ...] = (
        (listed.pause, "pause", "Pauses a job."),
        (listed.undo, "resume", "Continues a paused job."),
        (listed.retry, "retry", "Speaks the failed parts of a job again."),
        (listed.delete, "delete", "Stops a job, and deletes it with its audio."),
    )
    dependencies = [
        event(changing(action, about), listed, None, api_name=f"{action}_job", **quiet)
        for event, action, about in changes
    ]
    for dependency in (form.started, *dependencies):
        dependency.success(look, listed, listed, api_visibility="private", **quiet)
    return clock, form.voice
