"""A field for a clip: a file that the visitor brings or records."""

from typing import Any

import gradio as gr
from gradio_client.utils import is_http_url_like


def clip_input(label: str, elem_id: str) -> gr.Audio:
    """The field; gives a path. It fetches nothing: an address would pass by REF_AUDIO_HOSTS and MAX_UPLOAD_MB."""
    field = gr.Audio(sources=["upload", "microphone"], type="filepath", label=label, elem_id=elem_id, editable=False)
    taken = field.async_move_resource_to_block_cache

    async def uploaded(path: Any) -> str | None:
        if is_http_url_like(str(path or "")):
            raise gr.Error("An address is not taken here: upload the clip itself.")
        cached: str | None = await taken(path)
        return cached

    # Not a subclass: Gradio writes a stub beside the source of each.
    field.async_move_resource_to_block_cache = uploaded
    return field
