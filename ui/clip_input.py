"""A field for an uploaded or recorded clip."""

from typing import Any

import gradio as gr
from gradio_client.utils import is_http_url_like


def clip_input(label: str, elem_id: str) -> gr.Audio:
    """Returns the field, whose value is a path. Refuses URLs, which would bypass REF_AUDIO_HOSTS and MAX_UPLOAD_MB."""
    field = gr.Audio(
        sources=["upload", "microphone"], type="filepath", label=label, elem_id=elem_id, editable=False, buttons=[]
    )
    taken = field.async_move_resource_to_block_cache

    async def uploaded(path: Any) -> str | None:
        if is_http_url_like(str(path or "")):
            raise gr.Error("URLs are not accepted here: upload the clip itself.")
        cached: str | None = await taken(path)
        return cached

    # Not a subclass: Gradio writes a stub file next to the source of each.
    field.async_move_resource_to_block_cache = uploaded
    return field
