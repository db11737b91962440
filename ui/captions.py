"""Captions of a speech, whose words or parts light up while it plays: see page.js."""

from collections.abc import Iterator, Sequence
from html import escape

from deployments.synthesis.captions import needs_space
from deployments.synthesis.events import Part


def captions(parts: Sequence[Part], take: str, speed: float, label: str) -> str:
    """Renders the captions of a recording.

    Args:
        parts: Parts of the speech so far, with the times of words if Whisper heard them.
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
