"""What the encoder learns from: natural voices, espeak's, and the codec's own; in all kinds of recordings."""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .alignment import realign
from .cells import CELLS, Cells
from .corpus import Corpus
from .decoder import Spoken
from .diphones import Units
from .espeak import Audio
from .frames import HOP
from .natural import NaturalCorpus
from .recording import FASTEST, SLOWEST, recorded, replayed
from .vocoder import overlapped
from .voices import nearest_pitches, nearest_throat, voices_of
from .workplace import Workplace

BATCH, FRAMES = 6, 150
_NATURAL: Final = 4
"""Of each batch."""
_OWN: Final = 0.25
"""Of the batches: one clip is of the codec's own voice."""
_CELLS: Final = "natural-cells.npz"
Ints = npt.NDArray[np.int64]


def voices_at(pitches: Ints, throat: int, speed: float = 1.0) -> Ints:
    """Of every frame. The phase, which nobody hears, is always the same; between pitches lies what is between them."""
    hertz = np.asarray(pitches, np.float64) * speed
    voiced = np.flatnonzero(hertz > 0)
    held = np.interp(np.arange(len(hertz)), voiced, hertz[voiced]) if len(voiced) else np.full(len(hertz), 130.0)
    return voices_of(nearest_pitches(held), np.ones(len(hertz), np.int64), np.full(len(hertz), throat))


class Heard:
    """Batches of audio and the codes to hear in it."""

    def __init__(self, at: Workplace, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._corpus, self._natural = Corpus(at.root, "train"), NaturalCorpus(at.root, "train")
        self._layout = Cells.load(at.path("cells.npz"))
        self._units = Units.load(at.path("units.json"))
        self._spoken = Spoken(at, seed)
        self._file = at.path(_CELLS)
        self._cells = [np.array(clip.cells) for clip in self._natural.clips]
        if self._file.exists():
            with np.load(self._file) as file:
                self._cells = np.split(file["cells"], file["bounds"])

    def realign(self, listen: Callable[[Audio], Tensor]) -> None:
        """Walks through all natural clips again.

        Args:
            listen: Log probabilities of the cells, of each frame.
        """
        quiet = self._layout.quiet()
        for i, clip in enumerate(self._natural.clips):
            said = self._units.cells(clip.sounds)
            path = realign(listen(self._natural.wave(clip)), said, quiet).path
            self._cells[i] = np.array(said)[path][: len(clip.cells)]
        aside = self._file.with_suffix(".aside.npz")
        np.savez(aside, cells=np.concatenate(self._cells), bounds=np.cumsum([len(c) for c in self._cells])[:-1])
        aside.replace(self._file)

    def _cut(self, wave: Audio, codes: Ints) -> tuple[Audio, Ints]:
        """A piece of a clip off the grid by up to a third of a code."""
        r = self._random
        shift, first = int(r.integers(-100, 101)), int(r.integers(0, max(1, len(codes) - FRAMES)))
        wave = np.pad(wave, (HOP, HOP * (FRAMES + 2)))
        start = HOP * (first + 1) + shift
        silence = self._layout.silence + CELLS * (int(codes[-1]) // CELLS)
        codes = np.pad(codes[first : first + FRAMES], (0, max(0, FRAMES - len(codes) + first)), constant_values=silence)
        return wave[start : start + HOP * FRAMES], codes

    def _espeak(self) -> tuple[Audio, Ints]:
        clip = self._corpus.clips[self._random.integers(len(self._corpus.clips))]
        voices = voices_at(np.array(clip.pitches), clip.throat)
        return self._cut(self._corpus.wave(clip), np.array(clip.cells) + CELLS * voices)

    def _person(self) -> tuple[Audio, Ints]:
        r = self._random
        which = int(r.integers(len(self._natural.clips)))
        clip, cells = self._natural.clips[which], self._cells[which]
        wave, pitches = self._natural.wave(clip), np.array(clip.pitches)[: len(cells)]
        speed = float(r.uniform(SLOWEST, FASTEST)) if r.random() < 0.6 else 1.0
        if speed != 1.0:
            wave = replayed(wave, speed)
            times = ((np.arange(len(wave) // HOP) + 0.5) * speed).astype(int).clip(max=len(cells) - 1)
            cells, pitches = cells[times], pitches[times]
        return self._cut(wave, cells + CELLS * voices_at(pitches, nearest_throat(clip.warp * speed), speed))

    def _own(self) -> tuple[Audio, Ints]:
        codes, log_magnitude, phase = self._spoken.batch(1, FRAMES)
        return overlapped(log_magnitude.cpu(), phase.cpu())[0].numpy(), codes[0].cpu().numpy()

    def batch(self) -> tuple[Tensor, Tensor]:
        r = self._random
        pieces = [self._own() if r.random() < _OWN else self._espeak()]
        pieces += [self._espeak() for _ in range(BATCH - _NATURAL - 1)]
        pieces += [self._person() for _ in range(_NATURAL)]
        waves = []
        for i, (wave, _) in enumerate(pieces):
            other = pieces[i - 1][0] if r.random() < 0.15 else None
            waves.append(recorded(wave, r, other))
        order = r.permutation(BATCH)  # the first ones are listened to for their pitch
        return torch.from_numpy(np.stack(waves)[order]), torch.from_numpy(np.stack([c for _, c in pieces])[order])
