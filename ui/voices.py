"""The tab of stored voices."""

import asyncio
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from deployments.errors import InvalidInput
from deployments.service.built_in import BUILT_IN
from ui import markup, upload
from ui.backend import Backend
from ui.clip_input import take_uploads_only
from ui.download import downloadable
from ui.failure import show_failures
from ui.reference import pcm, transcribed_clip
from ui.texts import Texts
from ui.visitor import Visitor
from ui.voice_list import updated


def voices_tab(page: gr.Blocks, texts: Texts, backend: Backend, speaking: gr.HTML, reading: gr.Dropdown) -> None:
    """Builds the tab; also updates the choices of voices for speaking and for reading books."""
    with gr.Row(equal_height=False):
        with gr.Column(min_width=320):
            gr.HTML(markup.step(texts.own_voices))
            chosen = gr.Dropdown([], label=texts.chosen_voice, allow_custom_value=True, elem_id="stored")
            with gr.Row():
                hear = gr.Button(texts.hear, elem_id="hear", min_width=90)
                export = gr.Button(texts.export, elem_id="export", min_width=90)
                delete = gr.Button(texts.delete, variant="stop", elem_id="delete", min_width=90)
                bundle = gr.DownloadButton(texts.export, elem_id="bundle", visible="hidden")
            sample = gr.Audio(label=texts.hear, interactive=False, visible=False, elem_id="sample", buttons=[])
            new_name = gr.Textbox(label=texts.new_name, max_length=100, elem_id="new-name")
            rename = gr.Button(texts.rename, elem_id="rename")
            restore = gr.UploadButton(texts.import_voice, file_types=[".zip"], elem_id="import")
            take_uploads_only(restore)
            status = gr.HTML(label=texts.text, elem_id="voice-status")
        with gr.Column(min_width=320):
            gr.HTML(markup.step(texts.add_voice))
            clip, ref_text = transcribed_clip(texts, backend, "voice-")
            name = gr.Textbox(label=texts.name_label, max_length=100, elem_id="name")
            consent = gr.Textbox(label=texts.consent, info=texts.consent_info, max_length=1000, elem_id="consent")
            save = gr.Button(texts.save, variant="primary", elem_id="save")

    async def choices() -> tuple[Any, Any, Any]:
        """Returns the available voices."""
        with show_failures(texts):
            found = await backend.list_voices()
        stored = [voice.name for voice in found if not voice.built_in]
        return (
            updated(found, texts),
            gr.Dropdown(choices=stored, value=stored[-1] if stored else None, info=None if stored else texts.no_voices),
            gr.Dropdown(choices=[*reversed(stored), *BUILT_IN]),
        )

    async def save_voice(name: str, clip: str | None, consent: str, ref_text: str, request: gr.Request) -> str:
        """Stores the voice of a clip under a name."""
        with show_failures(texts):
            data = await upload.read(clip)
            client = Visitor.of(request).client
            voice = await backend.clone_voice(name, data, ref_text.strip() or None, consent, caller=client)
        return markup.status(texts.saved.format(name=voice.name))

    async def voice_sample(voice: str) -> tuple[int, NDArray[np.int16]]:
        """Plays a sample of a voice."""
        with show_failures(texts):
            wav = await backend.voice_sample(voice or "")
        return pcm(wav)

    async def export_voice(voice: str) -> str:
        """Returns the bundle of a stored voice: its clip, text, codes and consent in a ZIP."""
        with show_failures(texts):
            data = await backend.export_voice(voice or "")
        return await downloadable(voice, "zip", data)

    async def import_voice(file: str | None, request: gr.Request) -> str:
        """Stores the voice of a bundle."""
        with show_failures(texts):
            if not file:
                raise InvalidInput(texts.import_voice, "file")
            data = await asyncio.to_thread(Path(file).read_bytes)
            voice = await backend.import_voice(data, caller=Visitor.of(request).client)
        return markup.status(texts.imported.format(name=voice.name))

    async def rename_voice(voice: str, name: str) -> str:
        """Renames a stored voice."""
        with show_failures(texts):
            renamed = await backend.rename_voice(voice or "", name)
        return markup.status(texts.renamed.format(name=renamed.name))

    async def delete_voice(voice: str) -> str:
        """Deletes a stored voice permanently."""
        with show_failures(texts):
            deleted = await backend.delete_voice(voice or "")
        return markup.status(texts.deleted.format(name=deleted.name))

    lists = [speaking, chosen, reading]
    page.load(choices, None, lists, api_name="voices", show_progress="hidden")
    for event in (
        save.click(save_voice, [name, clip, consent, ref_text], status, api_name="save_voice", concurrency_limit=None),
        rename.click(rename_voice, [chosen, new_name], status, api_name="rename_voice"),
        delete.click(delete_voice, chosen, status, api_name="delete_voice"),
        restore.upload(import_voice, restore, status, api_name="import_voice", concurrency_limit=None),
    ):
        event.success(choices, None, lists, api_visibility="private", show_progress="hidden")
    export.click(export_voice, chosen, bundle, api_name="export_voice").success(
        None, None, None, js="() => setTimeout(() => document.querySelector('#bundle').click())"
    )
    hear.click(lambda: gr.Audio(visible=True), None, sample, api_visibility="private", queue=False).then(
        voice_sample, chosen, sample, api_name="voice_sample", concurrency_limit=None
    )
