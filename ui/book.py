"""The tab of audiobooks: what a new one is made of."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import gradio as gr

from deployments.errors import InvalidInput
from deployments.jobs.formats import BOOK_FORMATS, BookFormat
from deployments.jobs.manuscript import SUFFIXES
from deployments.profiles import Profile
from deployments.service.built_in import BUILT_IN
from deployments.service.job_desk import JobDesk, LongRequest
from deployments.service.parameters import SpeechParams
from deployments.settings import Settings
from ui import markup
from ui.backend import Backend
from ui.book_preview import BookPreview, book_params
from ui.clip_input import take_uploads_only
from ui.failure import show_failures
from ui.job_markup import length
from ui.recording import Recordings
from ui.speech_fields import SpeechFields
from ui.texts import Texts
from ui.visitor import Visitor

PARAMETERS: Final = ("speed", "language", "verify", "seed")
"""Parameters of speech that the tab has fields for."""


@dataclass(frozen=True, slots=True)
class BookForm:
    """The fields that other tabs and the list of jobs need."""

    voice: gr.Dropdown
    started: gr.events.Dependency
    """The event that starts a job."""


def book_form(
    texts: Texts,
    backend: Backend,
    desk: JobDesk,
    recordings: Recordings,
    settings: Settings,
    profile: Profile,
    chosen: gr.HTML,
) -> BookForm:
    """Builds the form; starting a job makes it the chosen one of the list `chosen`."""
    books = texts.books
    fields = SpeechFields(texts, settings, profile)
    gr.HTML(markup.step(books.new))
    file = gr.File(label=books.file, file_types=[*SUFFIXES], elem_id="book", height=160)
    take_uploads_only(file)
    about = gr.HTML(markup.hint(books.file_info), label=texts.notes, elem_id="book-notes")
    chapters = gr.CheckboxGroup(
        [], label=books.chapters, visible=False, elem_id="chapters", show_select_all=True, type="value"
    )
    with gr.Row():
        title = gr.Textbox("", label=books.title, max_length=300, elem_id="book-title", min_width=140)
        author = gr.Textbox("", label=books.author, max_length=300, elem_id="book-author", min_width=140)
    voice = gr.Dropdown([*BUILT_IN], value=BUILT_IN[0], label=texts.voice, elem_id="book-voice", filterable=True)
    preview = BookPreview(texts, backend, recordings, settings, profile)
    with gr.Accordion(texts.basic, open=False):
        format = gr.Dropdown(
            [(each.upper(), each) for each in BOOK_FORMATS[::-1]], value="m4b", label=books.format,
            info=books.format_info, elem_id="book-format",
        )  # fmt: skip
        loudness = gr.Dropdown(
            [(label, value) for value, label in books.loudnesses.items()], value="", label=books.loudness,
            elem_id="loudness",
        )  # fmt: skip
        values = [fields.build(name, "book-") for name in PARAMETERS]
    start = gr.Button(books.start, variant="primary", elem_id="start-book")
    status = gr.HTML(label=texts.progress, elem_id="book-status")

    async def read_book(file: str | None) -> tuple[str, Any, str, str, str]:
        """Reads a book; returns its chapters, title, author and a paragraph of it."""
        if not file:
            return markup.hint(books.file_info), gr.CheckboxGroup(choices=[], value=[], visible=False), "", "", ""
        with show_failures(texts):
            data = await asyncio.to_thread(Path(file).read_bytes)
            book = await desk.outline(LongRequest(SpeechParams(input=""), data, Path(file).name))
        choices = [
            (f"{chapter.title or books.untitled} · {markup.clock(chapter.seconds)}", chapter.number)
            for chapter in book.chapters
        ]
        counted = books.counted[len(choices) > 1].format(chapters=len(choices))
        line = markup.hint(books.length.format(chapters=counted, time=length(book.seconds, books)))
        boxes = gr.CheckboxGroup(choices=choices, value=[n for _, n in choices], visible=len(choices) > 1)
        return line + markup.warnings(book.warnings), boxes, book.title or "", book.author or "", book.paragraph

    async def start_book(
        file: str | None,
        chapters: list[int],
        title: str,
        author: str,
        voice: str,
        format: str,
        loudness: str,
        speed: float,
        language: str,
        verify: bool,
        seed: float,
        request: gr.Request,
    ) -> tuple[str, str]:
        """Starts an audiobook; returns the id of its job."""
        with show_failures(texts):
            if not file:
                raise InvalidInput(books.no_file, "file")
            job = await desk.create(
                Visitor.of(request).client,
                LongRequest(
                    book_params("", voice, speed=speed, language=language, verify=verify, seed=seed),
                    await asyncio.to_thread(Path(file).read_bytes),
                    Path(file).name,
                    response_format=cast("BookFormat", format),
                    title=title or None,
                    author=author or None,
                    loudness=cast("Any", loudness or None),
                    chapters=chapters or (),
                ),
            )
        return job.id, markup.status(books.started.format(title=job.title or books.untitled))

    file.change(
        read_book,
        file,
        [about, chapters, title, author, preview.paragraph],
        api_name="read_book",
        show_progress_on=[about],
    )
    preview.connect(voice, values)
    started = start.click(
        start_book,
        [file, chapters, title, author, voice, format, loudness, *values],
        [chosen, status],
        api_name="start_book",
        show_progress_on=[status],
    )
    return BookForm(voice, started)
