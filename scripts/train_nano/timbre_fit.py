"""Step: what natural voices have in common that the finished encoder hears at the same pitch, in the same throat.

Each of some hundred clips tells how far the plain voice's formants must be moved, and what colour it must have, to
sound like it on average. Of six throats Resemblyzer says which is the most alike. `timbres.json` is part of the
repository: delete it to have it made anew.
"""

from pathlib import Path
from typing import Final

import numpy as np
import torch

from deployments.voices.cleaning import clean
from scripts.judges import Likeness

from . import codec
from .cells import CELLS, Cells
from .encoder import heard_codes, trained
from .espeak import Audio
from .natural import NaturalCorpus
from .pitch import median, track
from .plain import Plain
from .plain_corpus import kinds
from .recording import replayed
from .timbres import CEPSTRA, FILE, Floats, Timbres, long_term
from .vocoder import Vocoder, overlapped
from .voices import GRID, LOWEST, PITCHES, THROATS, hertz, nearest_pitches, pitches_of, running, throats_of, voices_of
from .workplace import Workplace

_CLIPS: Final = 900
_WARPS: Final = np.array((0.76, 0.82, 0.88, 0.94, 1.0, 1.06))
_SAYS: Final = "We walked through the garden after the rain."
_NEAR: Final = 1.5
"""Steps of the pitch: a clip so far from a pitch counts 0.6 for it."""
_FAR: Final = 3.0
"""Where no clip is so near, those of all throats count, who are within so many."""


class Mirror:
    """The plain voice, made to sound like others."""

    def __init__(self, registry: Path, layout: Cells) -> None:
        plain = Plain(registry)
        self._said = plain.say(plain.read(_SAYS))
        self._stages = torch.from_numpy(layout.stages[layout.places[kinds(self._said)]])
        self._likeness = Likeness(registry / "resemblyzer.pt")
        self._bare: dict[tuple[int, int], Floats] = {}

    def fit(self, wave: Audio, pitch: int) -> tuple[float, Floats]:
        """The warp and the cepstra of a voice."""
        wanted, likeness, best, found = long_term(wave), self._likeness.of(wave), -1.0, (1.0, np.zeros(CEPSTRA))
        for throat, warp in enumerate(_WARPS):
            if (pitch, throat) not in self._bare:
                self._bare[pitch, throat] = long_term(self._render(pitch, throat, np.zeros(CEPSTRA)))
            cepstra = wanted - self._bare[pitch, throat]
            own = float(self._likeness.of(self._render(pitch, throat, cepstra)) @ likeness)
            if own > best:
                best, found = own, (float(warp), cepstra)
        return found

    def _render(self, pitch: int, throat: int, cepstra: Floats) -> Audio:
        said, pitches = self._said, np.full(len(self._said.voiced), pitch)
        vocoder = Vocoder(timbres=Timbres(_WARPS, np.broadcast_to(cepstra, (PITCHES, len(_WARPS), CEPSTRA))))
        voices = torch.from_numpy(voices_of(pitches, running(pitches), np.full(len(pitches), throat)))
        harmonics, noise, voiced = (torch.from_numpy(x) for x in (said.harmonics, said.noise, said.voiced))
        log_magnitude, phase = vocoder.frames(harmonics, noise, voiced, self._stages, voices)
        return np.asarray(overlapped(log_magnitude[None], phase[None])[0].numpy(), np.float32)


def build(at: Workplace) -> None:
    if FILE.exists():
        return
    layout, natural, r = Cells.load(at.path("cells.npz")), NaturalCorpus(at.root, "train"), np.random.default_rng(1)
    mirror, voiced = Mirror(at.path("registry"), layout), layout.voiced
    model = codec.build()
    model.load_state_dict(trained(at))
    model.eval()
    pitches, throats, fits = list[float](), list[int](), list[Floats]()
    while len(fits) < _CLIPS:
        wave = natural.wave(natural.clips[r.integers(len(natural.clips))])
        if r.random() < 0.5:
            wave = replayed(wave, float(r.uniform(0.88, 1.12)))
        wave = clean(wave).wav
        f0, codes = median(track(wave)), np.array(heard_codes(model, wave))
        voices = codes[voiced[codes % CELLS]] // CELLS
        if np.isnan(f0) or not len(voices):
            continue
        pitches.append(float(np.median(hertz(pitches_of(voices)))) / GRID - LOWEST)
        throats.append(int(np.bincount(throats_of(voices)).argmax()))
        warp, cepstra = mirror.fit(wave, int(nearest_pitches(np.array(f0))))
        fits.append(np.concatenate([[np.log(warp)], cepstra]))
    means = averaged(np.array(pitches), np.array(throats), np.array(fits))
    Timbres(np.exp(means[..., 0].mean(0)), means[..., 1:]).save()


def averaged(pitches: Floats, throats: np.ndarray[tuple[int], np.dtype[np.int64]], fits: Floats) -> Floats:
    """[pitches, throats, …]: of the clips near each pitch that are in the throat."""
    steps = np.arange(PITCHES)[:, None, None] - pitches
    same = throats == np.arange(len(THROATS))[:, None]
    weights = np.exp(-0.5 * (steps / _NEAR) ** 2) * same + 1e-6 * np.exp(-0.5 * (steps / _FAR) ** 2)
    return np.asarray(weights @ fits / weights.sum(-1, keepdims=True))
