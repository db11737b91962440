"""What the encoder learns from: natural voices, espeak's, and the codec's own; in all kinds of recordings."""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from . import pitch
from .alignment import realign
from .cells import CELLS, Cells
from .corpus import Corpus
from .decoder import Strings
from .diphones import Units
from .espeak import Audio
from .frames import HOP
from .natural import Natural, NaturalCorpus, nearest_voice
from .recording import FASTEST, SLOWEST, recorded, replayed
from .vocoder import Vocoder
from .workplace import Workplace

BATCH, FRAMES = 6, 150
_NATURAL: Final = 4
"""Of each batch."""
_PATHS: Final = "natural-paths.npz"
Ints = npt.NDArray[np.int64]


class Heard:
    """Batches of audio and the codes to hear in it."""

    def __init__(self, at: Workplace, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._corpus, self._natural = Corpus(at.root, "train"), NaturalCorpus(at.root, "train")
        self._cells = Cells.load(at.path("cells.npz"))
        self._strings = Strings(Units.load(at.path("units.json")), seed)
        self._vocoder = Vocoder.design(self._cells)
        self._paths_file = at.path(_PATHS)
        self._paths = [np.array(clip.path) for clip in self._natural.clips]
        if self._paths_file.exists():
            with np.load(self._paths_file) as file:
                self._paths = np.split(file["paths"], file["bounds"])

    def realign(self, listen: Callable[[Audio], Tensor]) -> None:
        """Walks through all natural clips again.

        Args:
            listen: Log probabilities of the cells, of each frame.
        """
        for i, clip in enumerate(self._natural.clips):
            found = realign(listen(self._natural.wave(clip)), clip.said, self._cells.silence)
            self._paths[i] = found.path[: len(clip.path)]
        aside = self._paths_file.with_suffix(".aside.npz")
        np.savez(aside, paths=np.concatenate(self._paths), bounds=np.cumsum([len(p) for p in self._paths])[:-1])
        aside.replace(self._paths_file)

    def _cut(self, wave: Audio, codes: Ints) -> tuple[Audio, Ints]:
        """A piece of a clip off the grid by up to a third of a code."""
        r = self._random
        shift, first = int(r.integers(-100, 101)), int(r.integers(0, max(1, len(codes) - FRAMES)))
        wave = np.pad(wave, (HOP, HOP * (FRAMES + 2)))
        start = HOP * (first + 1) + shift
        silence = self._cells.silence + CELLS * (int(codes[-1]) // CELLS)
        codes = np.pad(codes[first : first + FRAMES], (0, max(0, FRAMES - len(codes) + first)), constant_values=silence)
        return wave[start : start + HOP * FRAMES], codes

    def _espeak(self) -> tuple[Audio, Ints]:
        clip = self._corpus.clips[self._random.integers(len(self._corpus.clips))]
        return self._cut(self._corpus.wave(clip), np.array(clip.cells) + CELLS * clip.code_voice)

    def _person(self) -> tuple[Audio, Ints]:
        r = self._random
        which = int(r.integers(len(self._natural.clips)))
        clip, path = self._natural.clips[which], self._paths[which]
        wave, cells = self._natural.wave(clip), np.array(clip.said)[path]
        speed = float(r.uniform(SLOWEST, FASTEST)) if r.random() < 0.6 else 1.0
        if speed != 1.0:
            wave = replayed(wave, speed)
            times = ((np.arange(len(wave) // HOP) + 0.5) * speed).astype(int)
            cells = cells[times.clip(max=len(cells) - 1)]
        return self._cut(wave, cells + CELLS * _voice(clip, speed))

    def batch(self) -> tuple[Tensor, Tensor]:
        r = self._random
        own = self._strings.batch(2, FRAMES)[:1]
        pieces = [(self._vocoder.speak(own)[0].numpy(), own[0].numpy())] if r.random() < 0.5 else [self._espeak()]
        pieces += [self._espeak() for _ in range(BATCH - _NATURAL - 1)]
        pieces += [self._person() for _ in range(_NATURAL)]
        waves = []
        for i, (wave, _) in enumerate(pieces):
            other = pieces[i - 1][0] if r.random() < 0.15 else None
            waves.append(recorded(wave, r, other))
        order = r.permutation(BATCH)  # the first ones are listened to for their pitch
        return torch.from_numpy(np.stack(waves)[order]), torch.from_numpy(np.stack([c for _, c in pieces])[order])


def _voice(clip: Natural, speed: float) -> int:
    f0 = pitch.median(np.array(clip.pitches, np.float32))
    return nearest_voice((120.0 if np.isnan(f0) else f0) * speed, clip.warp * speed)
