"""A list of jobs that renews itself while its tab is open."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import gradio as gr

from deployments.errors import NotFound, ServiceError
from deployments.jobs.protocol import Kind
from deployments.service.job_desk import JobAction, LocalJobs
from ui import markup
from ui.failure import sentence, show_failures
from ui.job_links import JobLinks
from ui.job_markup import job_list
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
  const { event: name, chapter, title, file } = button.dataset;
  if (name === 'play') trigger('play', { job: button.value, chapter: +chapter, title, file });
  else { props.value = button.value; trigger(name); }
});
// The next chapter follows by itself.
document.addEventListener('ended', ({ target }) => {
  const { job, chapter } = target.dataset;
  if (job) element.querySelector(`[data-event=play][value="${job}"][data-chapter="${+chapter + 1}"]`)?.click();
}, true);
"""
_CHANGES: Final[tuple[tuple[str, JobAction, str], ...]] = (
    ("pause", "pause", "Pauses a job."),
    ("undo", "resume", "Continues a paused job."),
    ("retry", "retry", "Makes the failed parts of a job again."),
    ("delete", "delete", "Stops a job, and deletes it with its files."),
)


class JobList:
    """Jobs of one kind. Its value is the id of the chosen one.

    Args:
        texts: The language.
        desk: Has the jobs.
        links: Makes the links.
        kind: The kind.
        id: Id of the element.
        empty: What is shown if there are no jobs.
    """

    def __init__(self, texts: Texts, desk: LocalJobs, links: JobLinks, kind: Kind, id: str, empty: str) -> None:
        self._texts = texts
        self._desk = desk
        self._links = links
        self._kind = kind
        self._empty = empty
        # The template holds nothing but the one name: Gradio evaluates the text of a template, but not what it inserts.
        self.html = gr.HTML(
            "", label=texts.books.job, html_template="${jobs}", jobs="", js_on_load=_SCRIPT, elem_id=id, render=False
        )
        self.clock = gr.Timer(_EVERY, active=False)

    def connect(self, tab: gr.Tab, after: Iterable[gr.events.Dependency], name: str, suffix: str) -> None:
        """Adds what it does.

        Args:
            tab: Its tab.
            after: Events after which it is renewed.
            name: Its name in the page's API.
            suffix: Ends the names of its actions there.
        """
        quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None}
        hidden = quiet | {"api_visibility": "private"}
        tab.select(self._look, self.html, self.html, api_name=name, **quiet)
        tab.select(lambda: gr.Timer(active=True), None, self.clock, api_visibility="private", queue=False)
        self.clock.tick(self._look, self.html, self.html, **hidden)
        self.html.expand(self._look, self.html, self.html, **hidden)
        changed = [
            getattr(self.html, event)(
                self._changing(action, about), self.html, None, api_name=f"{action}_{suffix}", **quiet
            )
            for event, action, about in _CHANGES
        ]
        for dependency in (*after, *changed):
            dependency.success(self._look, self.html, self.html, **hidden)

    async def _look(self, chosen: str, request: gr.Request) -> Any:
        """Renders the jobs, and the details of one of them; by default, of the newest."""
        visitor, texts = Visitor.of(request), self._texts
        try:
            jobs = [job for job in await self._desk.list(visitor.client) if job.kind == self._kind][:_MOST]
            known = next((job.id for job in jobs if job.id == chosen), jobs[0].id if jobs else None)
            job = await self._desk.get(visitor.client, known) if known else None
        except NotFound:  # deleted in between
            return gr.skip()
        except ServiceError as error:
            return gr.HTML(jobs=markup.hint(sentence(error, texts)))
        owner = self._desk.owner(visitor.client)
        if not jobs:
            return gr.HTML(jobs=markup.hint(self._empty))
        return gr.HTML(jobs=job_list(jobs, job, texts, self._links, visitor.prefix, owner))

    def _changing(self, action: JobAction, about: str) -> Callable[[str, gr.Request], Awaitable[None]]:
        async def change(chosen: str, request: gr.Request) -> None:
            with show_failures(self._texts):
                await self._desk.change(Visitor.of(request).client, chosen, action)

        change.__doc__ = about
        return change
