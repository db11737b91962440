"""Who has the page open."""

from dataclasses import dataclass
from typing import Self

import gradio as gr


@dataclass(frozen=True, slots=True)
class Visitor:
    """A session of the page."""

    client: str
    """Whose turns its requests take: the key's if the page asks for one."""
    prefix: str
    """Of the page's addresses."""

    @classmethod
    def of(cls, request: gr.Request) -> Self:
        """Who sends a request of Gradio's."""
        scope = request.request.scope
        prefix = scope.get("app_root_path", scope.get("root_path", ""))
        return cls(request.username or f"page {request.session_hash}", prefix)
