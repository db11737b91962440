"""The tab of audiobooks: those that are made, and those that are done."""

from html import escape

import gradio as gr

from deployments.jobs.formats import FileFormat
from deployments.profiles import Profile
from deployments.service.job_desk import LocalJobs
from deployments.settings import Settings
from ui import markup
from ui.backend import Backend
from ui.book import book_form
from ui.job_links import JobLinks, JobResource
from ui.job_list import JobList
from ui.recording import Recordings
from ui.texts import Texts
from ui.visitor import Visitor


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
    listed = JobList(texts, desk, links, "speech", "jobs", books.no_jobs)
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=320):
            form = book_form(texts, backend, desk, recordings, settings, profile, listed.html)
        with gr.Column(scale=3, min_width=320):
            gr.HTML(markup.step(books.jobs))
            player = gr.HTML(label=books.player, elem_id="book-player")
            listed.html.render()

    def play(event: gr.EventData, request: gr.Request) -> str:
        visitor = Visitor.of(request)
        # A chapter that is still being spoken is streamed. Browsers play a WAV at once, an MP3 only after a while.
        file: JobResource = "stream" if event.file == "stream" else "audio"
        format: FileFormat = "wav" if file == "stream" else "mp3"
        owner = desk.owner(visitor.client)
        address = links.link(visitor.prefix, owner, str(event.job), format, int(event.chapter), file)
        title = escape(str(event.title))
        return (
            f'<p class="hint">{title}</p><audio controls autoplay src="{escape(address)}" aria-label="{title}"'
            f' data-job="{escape(str(event.job))}" data-chapter="{int(event.chapter)}"></audio>'
        )

    listed.html.play(play, None, player, api_visibility="private", show_progress="hidden", concurrency_limit=None)
    listed.connect(tab, [form.started], "jobs", "job")
    return listed.clock, form.voice
