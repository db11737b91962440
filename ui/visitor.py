"""Visitors of the page."""

from dataclasses import dataclass
from typing import Self

import gradio as gr


@dataclass(frozen=True, slots=True)
class Visitor:
    """A session of the page."""

    client: str
    """Client whose turns its requests take: the key's name if the page requires a key."""
    prefix: str
    """URL prefix of the page."""

    @classmethod
    def of(cls, request: gr.Request) -> Self:
        """Returns the visitor of a Gradio request."""
        scope = request.request.scope
        prefix = scope.get("app_root_path", scope.get("root_path", ""))
        return cls(request.username or f"page {request.session_hash}", prefix)
