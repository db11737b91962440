"""Captions of a speech, whose words light up while it plays: see page.js."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape

import numpy as np

from deployments.jobs.captions import spoken_words
from deployments.synthesis.captions import needs_space
from deployments.synthesis.events import Part
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform


class WordTimes:
    """Gives the parts of a speech the times of their words, if Whisper did not hear them: estimates, by the sound."""

    def __init__(self) -> None:
        self._wav = np.zeros(0, np.float32)
        self._start = 0
        """Samples before it, of parts that are complete."""

    def write(self, wav: Waveform) -> None:
        """Takes the next samples of the speech, mono at 16 kHz."""
        self._wav = np.concatenate([self._wav, wav])

    def timed(self, part: Part) -> Part:
        """Returns a part with words. All of its samples were written, and it begins after the one before. Blocks."""
        begin = round(part.start * SAMPLE_RATE) - self._start
        end = begin + round(part.seconds * SAMPLE_RATE)
        wav = self._wav[begin:end]
        self._wav, self._start = self._wav[end:], self._start + end
        return part if part.words or not len(wav) else replace(part, words=spoken_words(part.text, wav, part.start))


def captions(parts: Sequence[Part], take: str, speed: float, label: str) -> str:
    """Renders the captions of a recording.

    Args:
        parts: Parts of the speech so far, with the times of their words.
        take: Id of the recording.
        speed: Its speed; the times of the parts are those at speed 1.
        label: Name of the region.
    """
    if not parts:
        return ""
    text, written = "", ""
    for said, start, end, kind in (stretch for part in parts for stretch in _stretches(part)):
        space = " " if needs_space(text, said) else ""
        times = f'data-start="{start / speed:.3f}" data-end="{end / speed:.3f}"'
        written += f'{space}<span class="{kind}" {times}>{escape(said)}</span>'
        text = said or text
    return f'<p class="captions" role="region" aria-label="{escape(label)}" data-take="{escape(take)}">{written}</p>'


def _stretches(part: Part) -> Iterator[tuple[str, float, float, str]]:
    """Yields the words of a part with their times in seconds and their kind, or else the whole part."""
    if not part.words:
        yield part.text, part.start, part.start + part.seconds, "part"
        return
    ends = [word.start for word in part.words[1:]] + [part.start + part.seconds]
    for word, end in zip(part.words, ends, strict=True):
        yield word.text, word.start, end, "word"
