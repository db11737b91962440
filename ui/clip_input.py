"""A field for an uploaded or recorded clip."""

from typing import Any

import gradio as gr
from gradio_client.utils import is_http_url_like


def clip_input(label: str, elem_id: str) -> gr.Audio:
    """Returns the field, whose value is a path."""
    field = gr.Audio(
        sources=["upload", "microphone"], type="filepath", label=label, elem_id=elem_id, editable=False, buttons=[]
    )
    take_uploads_only(field)
    return field


def take_uploads_only(field: gr.components.Component) -> None:
    """Makes a field of a file refuse URLs, which would bypass REF_AUDIO_HOSTS and MAX_UPLOAD_MB."""
    taken = field.async_move_resource_to_block_cache

    async def uploaded(path: Any) -> str | None:
        if is_http_url_like(str(path or "")):
            raise gr.Error("URLs are not accepted here: upload the file itself.")
        cached: str | None = await taken(path)
        return cached

    # Not a subclass: Gradio writes a stub file next to the source of each.
    field.async_move_resource_to_block_cache = uploaded
