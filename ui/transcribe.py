"""The second tab: what a recording says."""

import asyncio
import secrets
from pathlib import Path
from typing import Any, Final

import gradio as gr
from gradio.utils import get_upload_folder

from deployments.speech.subtitles import srt, vtt
from deployments.whisper.protocol import Segment
from ui import upload
from ui.backend import Backend
from ui.clip_input import clip_input
from ui.failure import told
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
        """Writes down what a recording says, with the times of its words, and as subtitles."""
        with told(texts):
            clip = await upload.read(audio)
            client = Visitor.of(request).client
            found = await backend.transcribe(clip, language=language or None, words=words, client=client)
            segments = [Segment(s["text"], s["start"], s["end"], ()) for s in found["segments"]]
            rows = [
                [w["word"], round(w["start"], 2), round(w["end"], 2)] for s in found["segments"] for w in s["words"]
            ]
            # Among Gradio's own files, which it deletes when they are old, under a name that nobody guesses.
            scratch = Path(get_upload_folder(), secrets.token_urlsafe(16))
            files = [
                await asyncio.to_thread(_written, scratch / f"{Path(audio or '').stem}.{suffix}", written(segments))
                for suffix, written in (("srt", srt), ("vtt", vtt))
            ]
        return found["text"], rows, *(gr.DownloadButton(value=path, interactive=True) for path in files)

    start.click(
        transcribe,
        [audio, language, words],
        [text, times, as_srt, as_vtt],
        api_name="transcribe",
        concurrency_limit=None,
    )


def _written(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)
