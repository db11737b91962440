"""Where the steps leave their work: every artefact by name, in one folder."""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class Workplace:
    root: Path
    weights: Path
    """Where the finished checkpoints go."""
    device: str = "cuda" if torch.cuda.is_available() else "cpu"
    minutes: float = 1.0
    """Scales every step's time."""
    packs: Path = Path("data/packs")
    """Natural speech: see `teacher`."""

    def path(self, name: str) -> Path:
        self.root.mkdir(parents=True, exist_ok=True)
        return self.root / name


class Curve:
    """A training curve as CSV beside its checkpoint, appended to, so that it outlives the process."""

    def __init__(self, path: Path, *columns: str) -> None:
        self._path, self._columns, self._start = path, columns, time.time()
        self._before = 0.0
        if path.exists() and (rows := path.read_text().splitlines()[1:]):
            self._before = float(rows[-1].split(",")[0])
        else:
            path.write_text(",".join(("minutes", *columns)) + "\n")

    def add(self, **values: float) -> None:
        minutes = self._before + (time.time() - self._start) / 60
        row = [f"{minutes:.2f}", *(f"{values[name]:.5g}" for name in self._columns)]
        with self._path.open("a") as file:
            file.write(",".join(row) + "\n")
        print(
            json.dumps({"minutes": round(minutes, 1), **{k: round(float(v), 4) for k, v in values.items()}}), flush=True
        )


def save_text(path: Path, text: str) -> None:
    """Likewise of a text."""
    aside = path.with_suffix(".aside")
    aside.write_text(text)
    os.replace(aside, path)


def save(path: Path, **state: object) -> None:
    """All at once or not at all: a step may be stopped at any moment."""
    aside = path.with_suffix(".aside")
    torch.save(state, aside)
    os.replace(aside, path)
