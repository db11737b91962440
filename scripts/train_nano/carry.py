"""What another machine needs to go on: all that is small, in half the bits. The corpus is made again there.

`python -m scripts.train_nano pack` fills `resume/`, `unpack` puts it into the workplace.
"""

import shutil
from pathlib import Path
from typing import Any, Final

import torch

from .workplace import Workplace, save

FOLDER: Final = Path("resume")
_PLAIN: Final = (
    "lexicon.json", "cells.npz", "units.json", "references.json", "decoder.csv", "encoder.csv", "lm.csv", "whisper.csv",
)  # fmt: skip


def pack(at: Workplace) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in _PLAIN:
        if at.path(name).exists():
            shutil.copyfile(at.path(name), FOLDER / name)
    shutil.copytree(at.path("tokenizer"), FOLDER / "tokenizer", dirs_exist_ok=True)
    for name in ("codec.pt", "decoder.pt", "lm.resume", "whisper.resume"):
        if at.path(name).exists() and not (name == "decoder.pt" and at.path("codec.pt").exists()):
            save(FOLDER / name, **_small(torch.load(at.path(name), map_location="cpu", weights_only=False)))
    size = sum(p.stat().st_size for p in FOLDER.rglob("*") if p.is_file())
    print(f"{FOLDER}: {size / 1e6:.1f} MB", flush=True)


def unpack(at: Workplace) -> None:
    at.root.mkdir(parents=True, exist_ok=True)
    shutil.copytree(FOLDER, at.root, dirs_exist_ok=True)


def _small(state: Any) -> Any:
    """Weights and momenta need no more than bfloat16 to go on from."""
    if isinstance(state, dict):
        return {key: _small(value) for key, value in state.items()}
    if isinstance(state, list):
        return [_small(value) for value in state]
    if isinstance(state, torch.Tensor) and state.dtype == torch.float32 and state.numel() > 1:
        return state.bfloat16()
    return state
