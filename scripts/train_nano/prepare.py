"""First step: lexicon, the plain voice's frames, cells, and the string of cells of every pair of sounds."""

import json
import random
from typing import Final

import numpy as np
import numpy.typing as npt

from . import cells as grid
from . import lexicon
from .cells import CELLS, Cells
from .diphones import Units
from .espeak import Espeak
from .frames import Floats, features
from .plain import Plain, Said
from .sentences import Sentences
from .spoken import cells_of, halves
from .words import examples
from .workplace import Workplace

_TEXTS: Final = 3000
_SPEEDS: Final = (1.0, 1.0, 0.88, 1.15)
FRAMES: Final = "plain.npz"


def prepare(at: Workplace) -> None:
    if at.path("units.json").exists():
        return
    at.path("lexicon.json").write_text(json.dumps(lexicon.pronounce(Espeak()), ensure_ascii=False, indent=0))
    plain, names = Plain(at.path("registry")), Cells(np.empty((0, 0), np.float32), np.arange(CELLS))
    r, sentences = random.Random(3), Sentences(1)
    texts = r.sample(examples(), _TEXTS * 3 // 4) + [sentences.sentence() for _ in range(_TEXTS // 4)]
    harmonics, noise, voiced, stages, heard = [], [], [], [], []
    met = list[tuple[str, float, float]]()
    for i, text in enumerate(texts):
        speed = _SPEEDS[i % len(_SPEEDS)]
        try:
            said = plain.say(plain.read(text), speed)
        except ValueError:
            continue
        heard.append(features(_spectra(said), said.voiced))
        harmonics.append(halved(said.harmonics))
        noise.append(halved(said.noise))
        voiced.append(said.voiced)
        stages.append(cells_of(said.sounds, names, len(said.voiced)))
        if speed == 1.0:
            met += halves(said.sounds)
    kinds = np.concatenate(stages)
    cells = grid.fit(np.concatenate(heard), kinds)
    cells.save(at.path("cells.npz"))
    np.savez(
        at.path(FRAMES),
        harmonics=np.concatenate(harmonics),
        noise=np.concatenate(noise),
        voiced=np.concatenate(voiced),
        cells=cells.places[kinds],
    )
    Units.measure(met, cells).save(at.path("units.json"))
    print(f"{len(heard)} sentences, {len(kinds)} frames, {len(met)} meetings", flush=True)


def halved(envelopes: Floats) -> npt.NDArray[np.float16]:
    """[n, 641] to [n, 321], every other bin: they are smooth."""
    return envelopes[:, ::2].astype(np.float16)


def whole(envelopes: npt.NDArray[np.float16]) -> Floats:
    """The reverse."""
    known = envelopes.astype(np.float32)
    found = np.empty((len(known), 2 * known.shape[1] - 1), np.float32)
    found[:, ::2] = known
    found[:, 1::2] = (known[:, 1:] + known[:, :-1]) / 2
    return found


def _spectra(said: Said) -> Floats:
    """[n, 513] power, as `frames.power` would measure it."""
    bins = np.arange(513) * 15.625 / 12.5
    low = np.minimum(bins.astype(int), said.noise.shape[1] - 2)
    part = (bins - low).astype(np.float32)
    harmonics, noise = (e[:, low] * (1 - part) + e[:, low + 1] * part for e in (said.harmonics, said.noise))
    return np.asarray(said.voiced[:, None] * np.exp(2 * harmonics) * 160**2 + np.exp(2 * noise) * 240, np.float32)
