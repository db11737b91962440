"""The line at the top of the page: which models are loaded, and how far the others are."""

import asyncio
import time
from typing import Final

import gradio as gr

from deployments.errors import ServiceError
from deployments.residency.protocol import ModelStatus
from ui import markup
from ui.backend import Backend
from ui.failure import sentence
from ui.texts import Texts

_EVERY: Final = 3.0
"""Seconds between updates."""
_FRESH: Final = 1.0
"""Seconds for which all visitors see the same answer of the service."""


class ModelsWatch:
    """The state of the models, for all visitors of the page.

    Args:
        backend: Asked at most once a second.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._found: dict[str, ModelStatus] = {}
        self._asked = -_FRESH
        self._loading: dict[str, float] = {}
        self._lock = asyncio.Lock()

    async def look(self) -> dict[str, tuple[ModelStatus, float]]:
        """Returns each model's status, and for how many seconds it has been seen loading."""
        async with self._lock:
            if time.monotonic() - self._asked >= _FRESH:
                self._found = await self._backend.models()
                self._asked = time.monotonic()
                loading = [name for name, model in self._found.items() if model.state == "loading"]
                self._loading = {name: self._loading.get(name, self._asked) for name in loading}
        now = time.monotonic()
        return {name: (model, now - self._loading.get(name, now)) for name, model in self._found.items()}


def state_line(page: gr.Blocks, texts: Texts, backend: Backend) -> None:
    """Builds the line, which updates itself."""
    line = gr.HTML(label=texts.models, elem_id="state")
    watch = ModelsWatch(backend)

    async def look() -> str:
        """Renders the state of the models in one line."""
        try:
            return markup.state(await watch.look(), texts)
        except ServiceError as error:
            return markup.hint(sentence(error, texts))

    page.load(look, None, line, api_name="state", show_progress="hidden")
    gr.Timer(_EVERY).tick(look, None, line, api_visibility="private", show_progress="hidden")
