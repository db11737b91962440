"""Transcribes takes and scores the transcripts."""

from dataclasses import replace
from typing import Final

from deployments.synthesis.guards import Flaw
from deployments.synthesis.take import Hearing, Take
from deployments.text.wer import error_rate
from deployments.whisper.protocol import Transcriber

MISREAD: Final = 0.3
"""Word error rate (for Chinese and Japanese, character error rate) of a flawed take. Whisper itself makes some."""


async def verify(take: Take, text: str, language: str, transcriber: Transcriber) -> Take:
    """Returns the take with its transcript; flawed if that differs from its text (`language` is ISO 639-1).

    Whisper omits repetitions: the guards must have found those.
    """
    transcript = await transcriber.transcribe(take.wav, word_timestamps=True)
    words = tuple(word for segment in transcript.segments for word in segment.words)
    wrong = error_rate(text, transcript.text, language)
    flaw = take.flaw
    if flaw is None and wrong > MISREAD:
        flaw = Flaw("misread", f"{100 * wrong:.0f} % of its words are wrong: heard is {transcript.text!r}")
    return replace(take, flaw=flaw, hearing=Hearing(transcript.text, wrong, words))
