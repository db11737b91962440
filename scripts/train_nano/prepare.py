"""First step: lexicon, the plain voice's frames, cells, and the string of cells of every pair of sounds."""

import json
import random
from pathlib import Path
from typing import Final

import numpy as np

from . import cells as grid
from . import diphones, lexicon, spoken
from .cells import CELLS, Cells
from .espeak import Espeak, Voice
from .frames import envelopes, features, power
from .frames import grid as centres
from .sentences import Sentences
from .words import examples
from .workplace import Workplace

BASE: Final = Voice(pitch=60)
"""The plain voice: a monotone of 100 Hz."""
_TEXTS: Final = 2400
FRAMES: Final = "plain.npz"


def prepare(at: Workplace) -> None:
    if at.path("units.json").exists():
        return
    espeak = Espeak()
    words = lexicon.pronounce(espeak)
    at.path("lexicon.json").write_text(json.dumps(words, ensure_ascii=False, indent=0))
    names = Cells(np.empty((0, 0), np.float32), np.arange(CELLS))
    r, sentences = random.Random(3), Sentences(1)
    texts = r.sample(examples(), _TEXTS * 2 // 3) + [sentences.sentence() for _ in range(_TEXTS // 3)]
    heard, shapes, kinds, ends, met = [], [], [], list[int](), list[tuple[str, float, float]]()
    total = 0
    for i, text in enumerate(texts):
        voice = BASE if i % 3 else Voice(pitch=60, rate=r.choice((145, 195)))
        try:
            speech, sounds = spoken.say(espeak, text, voice)
        except spoken.Unsure:
            continue
        at_samples = centres(speech.audio)
        spectra = power(speech.audio, at_samples)
        own = spoken.cells_of(sounds, names, len(at_samples))
        heard.append(features(spectra, names.voiced[own]))
        shapes.append(envelopes(spectra).astype(np.float16))
        kinds.append(own)
        total += len(own)
        ends.append(total)
        if voice == BASE:
            met += spoken.halves(sounds)
    cells = grid.fit(np.concatenate(heard), np.concatenate(kinds))
    cells.save(at.path("cells.npz"))
    said = cells.places[np.concatenate(kinds)]
    _save(at.path(FRAMES), np.concatenate(shapes), said, np.array(ends))
    units = diphones.Units.measure(met, cells)
    units.save(at.path("units.json"))
    print(f"{len(words)} words, {len(ends)} sentences, {total} frames, {len(met)} meetings", flush=True)


def _save(path: Path, shapes: object, said: object, ends: object) -> None:
    np.savez(path, shapes=shapes, cells=said, ends=ends)  # type: ignore[arg-type]
