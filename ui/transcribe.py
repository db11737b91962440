"""The tab of transcriptions: at once, or in the background if a recording is long."""

from pathlib import Path
from typing import Any, Final

import gradio as gr

from deployments.audio.subtitles import srt, vtt
from deployments.jobs.recordings import TranscriptionOrder
from deployments.service.job_desk import LocalJobs, LongRecording
from deployments.service.languages import language_code
from deployments.service.transcription import TranscribedSegment
from deployments.synthesis.captions import cues
from deployments.whisper.protocol import Segment, Word
from ui import markup, upload
from ui.backend import Backend
from ui.clip_input import clip_input
from ui.download import downloadable
from ui.failure import show_failures
from ui.job_links import JobLinks
from ui.job_list import JobList
from ui.texts import Texts
from ui.visitor import Visitor

_LANGUAGES: Final = ("en", "zh", "de", "es", "fr", "it", "ja", "ko", "pt", "ru")


_LONG_S: Final = 300
"""Seconds from which a recording is transcribed in the background."""
_SMALL: Final = 1_000_000
"""Bytes up to which a file is not looked into: five minutes at 24 kbit/s are as large."""


def transcribe_tab(tab: gr.Tab, texts: Texts, backend: Backend, desk: LocalJobs, links: JobLinks) -> gr.Timer:
    """Builds the tab; returns the timer of its list, for other tabs to stop."""
    empty = texts.no_recordings.format(minutes=_LONG_S // 60)
    listed = JobList(texts, desk, links, "transcription", "recordings", empty)
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
            status = gr.HTML(label=texts.progress, elem_id="transcribe-status")
            gr.HTML(markup.step(texts.recordings))
            listed.html.render()

    async def transcribe(
        audio: str | None, language: str | None, words: bool, request: gr.Request
    ) -> tuple[str, list[list[Any]], Any, Any, str, Any]:
        """Transcribes a recording; returns its text, the times of words, and subtitles; or the job of a long one."""
        with show_failures(texts):
            clip = await upload.read(audio)
            client = Visitor.of(request).client
            name = Path(audio or "").name
            code = language_code(language or "")
            if order := await long_order(LongRecording(clip, name, code), client):
                job = await desk.board.create(desk.owner(client), order)
                nothing = gr.DownloadButton(value=None, interactive=False)
                started = markup.status(texts.long_started.format(title=name))
                return "", [], nothing, nothing, started, job.id
            found = await backend.transcribe(clip, language=code, words=True, caller=client)
            for warning in found.warnings:
                gr.Warning(warning)
            lines = cues((_segment(segment) for segment in found.segments), found.duration)
            timed = [[word.text, round(word.start, 2), round(word.end, 2)] for line in lines for word in line.words]
            files = [
                await downloadable(Path(name).stem, suffix, written(lines).encode())
                for suffix, written in (("srt", srt), ("vtt", vtt))
            ]
        buttons = (gr.DownloadButton(value=path, interactive=True) for path in files)
        return found.text, timed if words else [], *buttons, "", gr.skip()

    async def long_order(recording: LongRecording, client: str) -> TranscriptionOrder | None:
        """Returns the job of a recording; None if it is short."""
        file = recording.clip.file
        if isinstance(file, bytes) and len(file) <= _SMALL:
            return None
        order = await backend.transcription_order(recording, caller=client)
        return order if sum(order.durations) >= _LONG_S else None

    transcribed = start.click(
        transcribe,
        [audio, language, words],
        [text, times, as_srt, as_vtt, status, listed.html],
        api_name="transcribe",
        concurrency_limit=None,
    )
    listed.connect(tab, [transcribed], "recordings", "recording")
    return listed.clock


def _segment(found: TranscribedSegment) -> Segment:
    return Segment(found.text, found.start, found.end, tuple(Word(w.word, w.start, w.end, 1.0) for w in found.words))
