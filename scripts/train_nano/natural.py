"""Step: natural voices, with the cell, the pitch and the throat of every frame.

The speech is that of `teacher`: packs of clips, each with its text and its phonemes. Cells are those of the
phonemes spoken by the plain voice, found in the clip by a walk (`alignment`), first by spectra, and once an
encoder has learnt from that, by what it names.
"""

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt

from . import pitch
from .alignment import WARPS, align, throat
from .cells import Cells
from .diphones import Units
from .espeak import Audio
from .frames import HOP
from .misaki import sounds
from .workplace import Workplace

_HELD: Final = 2
"""Packs at the end that no training hears."""
_DEAR: Final = 0.75
"""Mean cost above which a clip is not what its text says."""


@dataclass(frozen=True)
class Natural:
    text: str
    sounds: str
    voices: list[str]
    british: bool
    begin: int
    end: int
    """Samples, in the one long array."""
    cells: list[int]
    pitches: list[int]
    """Hz of each frame, 0 where there is none."""
    warp: float
    """How far its formants are from the plain voice's."""


class NaturalCorpus:
    def __init__(self, folder: Path, name: str) -> None:
        self.audio: npt.NDArray[np.int16] = np.load(folder / f"natural-{name}.npy", mmap_mode="r")
        rows = (json.loads(line) for line in (folder / f"natural-{name}.jsonl").read_text().splitlines())
        self.clips = [Natural(**row) for row in rows]

    def wave(self, clip: Natural) -> Audio:
        return np.asarray(self.audio[clip.begin : clip.end] / 32768, dtype=np.float32)


def unpack(path: Path) -> npt.NDArray[np.int16]:
    """All samples of a pack."""
    resampler = av.AudioResampler("s16", "mono", 16000)
    with av.open(str(path)) as file:
        pieces = [
            piece.to_ndarray().ravel() for frame in [*file.decode(audio=0), None] for piece in resampler.resample(frame)
        ]
    return np.concatenate(pieces)


def _pack(job: tuple[Path, Path]) -> tuple[npt.NDArray[np.int16], list[dict[str, Any]]]:
    """Every clip of a pack that is what its text says; begin and end count from the pack's first sample."""
    path, work = job
    cells, units = Cells.load(work / "cells.npz"), Units.load(work / "units.json")
    wav = unpack(path)
    rows = []
    for line in path.with_suffix(".jsonl").read_text().splitlines():
        row = json.loads(line)
        begin, end = row["offset"], row["offset"] + row["samples"]
        audio = np.asarray(wav[begin:end] / 32768, dtype=np.float32)
        said_sounds = sounds(row["phonemes"])
        said = units.cells(said_sounds)
        if not 25 < len(audio) // HOP < 750:
            continue
        found = align(audio, said, cells)
        for _ in range(2):
            warp = float(WARPS[throat(audio, said, found.path, cells).argmin()])
            found = align(audio, said, cells, warp)
        if found.cost > _DEAR:
            continue
        clip = Natural(
            row["text"], said_sounds, row["voices"], row["british"], begin, end, [said[i] for i in found.path],
            [round(float(p)) for p in pitch.track(audio)], warp,
        )  # fmt: skip
        rows.append(asdict(clip))
    return wav, rows


def build(at: Workplace) -> None:
    packs = sorted(at.packs.glob("*.opus"))
    names = {"train": packs[:-_HELD], "held": packs[-_HELD:]}
    for name, paths in names.items():
        if at.path(f"natural-{name}.jsonl").exists():
            continue
        rows, waves, offset = list[str](), list[npt.NDArray[np.int16]](), 0
        with ProcessPoolExecutor(2) as pool:
            for wav, found in pool.map(_pack, [(path, at.root) for path in paths]):
                for row in found:
                    row["begin"], row["end"] = row["begin"] + offset, row["end"] + offset
                    rows.append(json.dumps(row, ensure_ascii=False))
                waves.append(wav)
                offset += len(wav)
                print(f"natural {name}: {len(rows)} clips, {offset / 16000 / 3600:.1f} h", flush=True)
        np.save(at.path(f"natural-{name}.npy"), np.concatenate(waves))
        at.path(f"natural-{name}.jsonl").write_text("\n".join(rows))
