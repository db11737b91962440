"""A paragraph of a book, to try a voice with."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import gradio as gr

from deployments.profiles import Profile
from deployments.service.parameters import RATE, SpeechParams
from deployments.settings import Settings
from ui import markup
from ui.backend import Backend
from ui.failure import show_failures
from ui.recording import Recordings
from ui.texts import Texts
from ui.visitor import Visitor


class BookPreview:
    """Builds the fields; `paragraph` is what is spoken."""

    def __init__(
        self, texts: Texts, backend: Backend, recordings: Recordings, settings: Settings, profile: Profile
    ) -> None:
        books = texts.books
        self._texts = texts
        self._backend = backend
        self._recordings = recordings
        self._settings = settings
        self._profile = profile
        self.paragraph = gr.Textbox(
            "",
            label=books.paragraph,
            info=books.paragraph_info,
            lines=2,
            max_lines=5,
            elem_id="paragraph",
            max_length=settings.max_text_length,
        )
        self._button = gr.Button(books.preview, elem_id="preview", size="md")
        self._sample = gr.HTML(label=books.preview, elem_id="preview-player")

    def connect(self, voice: gr.Dropdown, values: Sequence[Any]) -> None:
        """Adds what the button does; `values` are the fields of speed, language, verification and seed."""

        async def preview_book(
            paragraph: str, voice: str, speed: float, language: str, verify: bool, seed: float, request: gr.Request
        ) -> AsyncGenerator[str, None]:
            """Speaks a paragraph as the book will be spoken."""
            texts, visitor = self._texts, Visitor.of(request)
            with show_failures(texts):
                params = book_params(paragraph, voice, speed=speed, language=language, verify=verify, seed=seed)
                complete = params.with_defaults(self._settings, self._profile)
                recording = self._recordings.begin(complete.speed, RATE)
                player = markup.player(recording, visitor.prefix, texts)
                try:
                    yield markup.status(texts.waiting, busy=True) + player
                    async with aclosing(self._backend.narrate(params, caller=visitor.client)) as events:
                        async for event in events:
                            if event.audio is not None:
                                await recording.write(event.audio)
                            if event.progress:
                                yield markup.status(texts.stages[event.progress.stage], busy=True) + player
                except Exception:
                    yield ""
                    raise
                finally:
                    await self._recordings.end(recording)
                yield markup.status("") + player

        self._button.click(
            preview_book,
            [self.paragraph, voice, *values],
            self._sample,
            api_name="preview_book",
            show_progress="hidden",
            concurrency_limit=None,
        )


def book_params(text: str, voice: str, **values: Any) -> SpeechParams:
    """Returns the parameters of speech that the fields give."""
    given = {name: value for name, value in values.items() if value not in (None, "")}
    return SpeechParams.of({"input": text, "voice": voice, **given})
