"""The choice of a voice in the first tab: a clip to clone, or a stored voice."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from deployments.xcodec2.protocol import SAMPLE_RATE
from ui import markup, upload
from ui.backend import Backend
from ui.clip_input import clip_input
from ui.failure import sentence, show_failures
from ui.texts import Texts
from ui.visitor import Visitor
from ui.voice_list import DEFAULT, voice_list


@dataclass(frozen=True, slots=True)
class ReferenceInputs:
    """The fields of the choice."""

    clip: gr.Audio
    ref_text: gr.Textbox
    voice: gr.HTML


def reference_inputs(texts: Texts, backend: Backend) -> ReferenceInputs:
    """Builds the fields: a clip is transcribed at once, and whichever was chosen last is used."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=320):
            gr.HTML(markup.step(texts.clip))
            clip, ref_text = transcribed_clip(texts, backend, api_name="listen")
        with gr.Column(scale=2, min_width=280):
            gr.HTML(markup.step(texts.voice_info))
            voice = voice_list(texts)
            sample = gr.Audio(
                label=texts.hear, interactive=False, visible=False, autoplay=True, elem_id="voice-sample", buttons=[]
            )

    async def play(event: gr.EventData) -> Any:
        with show_failures(texts):
            wav = await backend.voice_sample(str(event.voice))
        return gr.Audio(pcm(wav), label=f"{texts.hear}: {event.voice}", visible=True)

    def chosen(clip: str | None, voice: str | None) -> str:
        return "" if clip else voice or DEFAULT

    clip.change(chosen, [clip, voice], voice, api_visibility="private", show_progress="hidden", queue=False)
    voice.select(lambda: None, None, clip, api_visibility="private", show_progress="hidden", queue=False)
    voice.play(play, None, sample, api_visibility="private", show_progress="hidden", concurrency_limit=None)
    return ReferenceInputs(clip, ref_text, voice)


def transcribed_clip(
    texts: Texts, backend: Backend, prefix: str = "", api_name: str | None = None
) -> tuple[gr.Audio, gr.Textbox]:
    """Builds the fields of a clip and of its text, which is what Whisper hears as soon as there is a clip.

    Args:
        texts: The language.
        backend: The service.
        prefix: Start of the ids of the fields.
        api_name: Name of the transcription for programs; None: it has none.
    """
    clip = clip_input(texts.clip_label, f"{prefix}clip")
    notes = gr.HTML(label=texts.notes, elem_id=f"{prefix}notes")
    ref_text = gr.Textbox(
        "", label=texts.ref_text, info=texts.ref_text_info, lines=2, max_lines=4, elem_id=f"{prefix}ref-text"
    )

    async def listen(clip: str | None, request: gr.Request) -> AsyncGenerator[tuple[Any, str], None]:
        """Transcribes a clip; returns its text and its problems."""
        if not clip:
            yield "", ""
            return
        yield gr.skip(), markup.status(texts.stages["listening"], busy=True)
        with show_failures(texts):
            try:
                found = await backend.hear_clip(await upload.read(clip), caller=Visitor.of(request).client)
            except Exception as error:
                yield "", markup.status(sentence(error, texts), failed=True)
                raise
        yield found.text, markup.heard(found, texts)

    clip.change(
        listen,
        clip,
        [ref_text, notes],
        api_name=api_name,
        api_visibility="public" if api_name else "private",
        show_progress="hidden",
        concurrency_limit=None,
    )
    return clip, ref_text


def pcm(wav: NDArray[np.float32]) -> tuple[int, NDArray[np.int16]]:
    """Returns a waveform as Gradio plays it."""
    return SAMPLE_RATE, (wav.clip(-1, 1) * 32_767).round().astype(np.int16)
