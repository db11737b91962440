"""Takes listened to, and scored by what is heard."""

from dataclasses import replace
from typing import Final

from deployments.synthesis.guards import Flaw
from deployments.synthesis.take import Hearing, Take
from deployments.text.wer import error_rate
from deployments.whisper.protocol import Transcriber

MISREAD: Final = 0.3
"""Word errors (of Chinese and Japanese: character errors) above which a take has a flaw. Whisper itself makes some."""


async def verify(take: Take, text: str, language: str, transcriber: Transcriber) -> Take:
    """The take with what is heard in it; with a flaw, where that is not its text (in a language, as ISO 639-1).

    Whisper forgives repetitions: those the guards must have found.
    """
    transcript = await transcriber.transcribe(take.wav, word_timestamps=True)
    words = tuple(word for segment in transcript.segments for word in segment.words)
    wrong = error_rate(text, transcript.text, language)
    flaw = take.flaw
    if flaw is None and wrong > MISREAD:
        flaw = Flaw("misread", f"{100 * wrong:.0f} % of its words are wrong: heard is {transcript.text!r}")
    return replace(take, flaw=flaw, hearing=Hearing(transcript.text, wrong, words))
