"""What espeak-ng says, sound by sound: which frame belongs to which, and how long sounds last beside one another."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from .cells import Cells
from .espeak import Espeak, Speech, Voice
from .frames import HOP
from .phones import EDGE, from_espeak

_SHORTEST: Final = 0.012


@dataclass(frozen=True)
class Sound:
    """From when to when, in seconds, which sound: EDGE is a pause."""

    start: float
    end: float
    phone: str


class Unsure(ValueError):
    """Espeak's names of the sounds do not tell which of them are stressed."""


def sounds_of(espeak: Espeak, text: str, speech: Speech) -> list[Sound]:
    """Every sound of a rendition.

    Raises:
        Unsure: the rendition has other sounds than the transcription, or one that has no character.
    """
    names = [name for name in espeak.transcribe(text).replace(" ", "_").split("_") if name]
    events = [(t, n) for t, n in speech.phonemes if n]
    end = max(t for t, _ in speech.phonemes)
    if len(names) != sum(not name.startswith("_") for _, name in events):
        raise Unsure(text)
    found: list[Sound] = []
    told = iter(names)
    for (start, name), (after, _) in pairwise([*events, (end, "")]):
        phones = EDGE if name.startswith("_") else _characters(next(told))
        if found and phones == found[-1].phone == "R":  # the one sound, told twice
            found[-1] = Sound(found[-1].start, after, "R")
            continue
        length = (after - start) / max(1, len(phones))
        found += [Sound(start + i * length, start + (i + 1) * length, p) for i, p in enumerate(phones)]
    return [s for s in found if s.end - s.start > (0 if s.phone == EDGE else _SHORTEST)]


def _characters(name: str) -> str:
    if name.strip("',") == ";":
        return ""
    try:
        return from_espeak(name)
    except ValueError as error:
        raise Unsure(name) from error


def cells_of(sounds: list[Sound], cells: Cells, count: int) -> npt.NDArray[np.int64]:
    """The cell of every frame."""
    said = np.array(cells.pause(count, after=True, before=False))
    spoken = np.zeros(count, bool)
    times = (np.arange(count) + 0.5) * HOP / 16000
    for sound in sounds:
        if sound.phone == EDGE:
            continue
        first, last = np.searchsorted(times, (sound.start, sound.end))
        if first < last:
            gone = (times[first:last] - sound.start) / (sound.end - sound.start)
            step = 0.5 / (last - first)
            said[first:last] = [cells.of(sound.phone, g - step, g + step, 1)[0] for g in gone]
            spoken[first:last] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[1], spoken, [1]])))
    for begin, end in zip(edges[::2], edges[1::2], strict=False):
        said[begin:end] = cells.pause(end - begin, after=begin > 0, before=end < count)
    return said


def halves(sounds: list[Sound]) -> list[tuple[str, float, float]]:
    """Pairs of sounds that met, with half of what each lasts; a pause at the beginning and at the end."""
    with_edges = [Sound(0, 0, EDGE), *sounds, Sound(0, 0, EDGE)]
    return [
        (a.phone + b.phone, (a.end - a.start) / 2, (b.end - b.start) / 2)
        for a, b in pairwise(with_edges)
        if a.phone + b.phone != 2 * EDGE
    ]


def say(espeak: Espeak, text: str, voice: Voice) -> tuple[Speech, list[Sound]]:
    speech = espeak.say(text, voice)
    return speech, sounds_of(espeak, text, speech)
