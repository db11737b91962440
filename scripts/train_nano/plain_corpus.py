"""Step: what the plain voice says, frame by frame, for the decoder to learn from."""

import functools
import json
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .cells import CELLS, Cells
from .frames import Floats
from .plain import Plain, Said
from .spoken import cells_of
from .workplace import Workplace

FRAMES: Final = "plain.npz"
PHONEMES: Final = "phonemes.json"
"""What is said, as misaki writes it."""
SPEEDS: Final = (1.0, 1.0, 0.88, 1.15)
NAMES: Final = Cells(np.empty((0, 0), np.float32), np.arange(CELLS))
"""Cells that are not laid out yet: each is its number among `cells.NAMES`."""
Frames = dict[str, npt.NDArray[np.generic]]


def build(at: Workplace) -> None:
    done = at.path(FRAMES)
    if done.exists():
        return
    texts: list[str] = json.loads(at.path(PHONEMES).read_text())
    places = Cells.load(at.path("cells.npz")).places
    with ProcessPoolExecutor(max(1, (os.cpu_count() or 2) * 3 // 4)) as pool:
        said = functools.partial(_said, at.path("registry"))
        parts = [part for part in pool.map(said, texts, (SPEEDS * len(texts))[: len(texts)], chunksize=30) if part]
    frames: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    np.savez(done, **frames | {"cells": places[frames["cells"].astype(np.int64)]})
    print(f"{len(parts)} sentences, {len(frames['cells'])} frames", flush=True)


@functools.cache
def _plain(registry: Path) -> Plain:
    return Plain(registry)


def _said(registry: Path, phonemes: str, speed: float) -> Frames | None:
    try:
        said = _plain(registry).say(phonemes, speed)
    except ValueError:  # a phoneme that no sound of ours stands for
        return None
    return {
        "harmonics": halved(said.harmonics),
        "noise": halved(said.noise),
        "voiced": said.voiced,
        "cells": kinds(said),
    }


def kinds(said: Said) -> npt.NDArray[np.int64]:
    """[frames]: which of `cells.NAMES` each is."""
    return cells_of(said.sounds, NAMES, len(said.voiced))


def halved(envelopes: Floats) -> npt.NDArray[np.float16]:
    """[n, 641] to [n, 321], every other bin: they are smooth."""
    return envelopes[:, ::2].astype(np.float16)
