"""The tab that transcribes a recording."""

from pathlib import Path
from typing import Any, Final

import gradio as gr

from deployments.audio.subtitles import srt, vtt
from deployments.service.transcription import TranscribedSegment
from deployments.synthesis.captions import cues
from deployments.whisper.protocol import Segment, Word
from ui import upload
from ui.backend import Backend
from ui.clip_input import clip_input
from ui.download import downloadable
from ui.failure import show_failures
from ui.texts import Texts
from ui.visitor import Visitor

_LANGUAGES: Final = ("en", "zh", "de", "es", "fr", "it", "ja", "ko", "pt", "ru")


def transcribe_tab(texts: Texts, backend: Backend) -> None:
    """Builds the tab."""
    with gr.Row(equal_height=False):
        with gr.Column(min_width=320):
            audio = clip_input(texts.audio, "audio")
            language = gr.Dropdown(
                [(texts.automatic, ""), *((code, code) for code in _LANGUAGES)],
                value="",
                label=texts.language,
                info=texts.language_info,
                allow_custom_value=True,
            )
            words = gr.Checkbox(True, label=texts.words)
            start = gr.Button(texts.transcribe, variant="primary", elem_id="transcribe")
        with gr.Column(min_width=320):
            text = gr.Textbox(label=texts.text, lines=6, buttons=["copy"], interactive=False, elem_id="text")
            with gr.Row():
                as_srt = gr.DownloadButton("SRT", interactive=False, elem_id="srt")
                as_vtt = gr.DownloadButton("VTT", interactive=False, elem_id="vtt")
            times = gr.Dataframe(
                headers=list(texts.word_columns), label=texts.words, interactive=False, elem_id="words", wrap=True
            )

    async def transcribe(
        audio: str | None, language: str | None, words: bool, request: gr.Request
    ) -> tuple[str, list[list[Any]], Any, Any]:
        """Transcribes a recording; returns its text, the times of words, and subtitles."""
        with show_failures(texts):
            clip = await upload.read(audio)
            client = Visitor.of(request).client
            found = await backend.transcribe(clip, language=language or None, words=True, caller=client)
            for warning in found.warnings:
                gr.Warning(warning)
            lines = cues((_segment(segment) for segment in found.segments), found.duration)
            timed = [[word.text, round(word.start, 2), round(word.end, 2)] for line in lines for word in line.words]
            name = Path(audio or "").stem
            files = [
                await downloadable(name, suffix, written(lines).encode())
                for suffix, written in (("srt", srt), ("vtt", vtt))
            ]
        buttons = (gr.DownloadButton(value=path, interactive=True) for path in files)
        return found.text, timed if words else [], *buttons

    start.click(
        transcribe,
        [audio, language, words],
        [text, times, as_srt, as_vtt],
        api_name="transcribe",
        concurrency_limit=None,
    )


def _segment(found: TranscribedSegment) -> Segment:
    return Segment(found.text, found.start, found.end, tuple(Word(w.word, w.start, w.end, 1.0) for w in found.words))
