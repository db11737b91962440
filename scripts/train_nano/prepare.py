"""First step: lexicon, the plain voice's frames, cells, and the string of cells of every pair of sounds."""

import json
import random
from typing import Final

import numpy as np

from . import cells as grid
from . import lexicon
from .diphones import Units
from .espeak import Espeak
from .frames import Floats, features
from .plain import Plain, Said
from .plain_corpus import PHONEMES, SPEEDS, kinds
from .sentences import Sentences
from .spoken import halves
from .words import candidates, examples
from .workplace import Workplace, save_text

_TEXTS: Final = 3000
_MORE: Final = 9000


def prepare(at: Workplace) -> None:
    if at.path("units.json").exists():
        return
    at.path("lexicon.json").write_text(json.dumps(lexicon.pronounce(Espeak()), ensure_ascii=False, indent=0))
    plain, r, sentences = Plain(at.path("registry")), random.Random(3), Sentences(1)
    texts = r.sample(examples(), _TEXTS * 3 // 4) + [sentences.sentence() for _ in range(_TEXTS // 4)]
    phonemes, stages, heard = list[str](), [], []
    met = list[tuple[str, float, float]]()
    for i, text in enumerate(texts):
        speed = SPEEDS[i % len(SPEEDS)]
        try:
            read = plain.read(text)
            said = plain.say(read, speed)
        except ValueError:
            continue
        phonemes.append(read)
        heard.append(features(_spectra(said), said.voiced))
        stages.append(kinds(said))
        if speed == 1.0:
            met += halves(said.sounds)
    cells = grid.fit(np.concatenate(heard), np.concatenate(stages))
    cells.save(at.path("cells.npz"))
    save_text(at.path(PHONEMES), json.dumps(phonemes + _more(plain, r), ensure_ascii=False))
    Units.measure(met, cells).save(at.path("units.json"))
    print(f"{len(heard)} sentences, {len(met)} meetings", flush=True)


def _more(plain: Plain, r: random.Random) -> list[str]:
    """For the decoder alone: more examples, and names and rare words in whatever order."""
    words = candidates(plain.site)
    texts = r.sample(examples(), _MORE // 2)
    texts += [" ".join(r.choices(words, k=r.randint(2, 9))).capitalize() + "." for _ in range(_MORE // 2)]
    r.shuffle(texts)
    return [plain.read(text) for text in texts]


def _spectra(said: Said) -> Floats:
    """[n, 513] power, as `frames.power` would measure it."""
    bins = np.arange(513) * 15.625 / 12.5
    low = np.minimum(bins.astype(int), said.noise.shape[1] - 2)
    part = (bins - low).astype(np.float32)
    harmonics, noise = (e[:, low] * (1 - part) + e[:, low + 1] * part for e in (said.harmonics, said.noise))
    return np.asarray(said.voiced[:, None] * np.exp(2 * harmonics) * 160**2 + np.exp(2 * noise) * 240, np.float32)
