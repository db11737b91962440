"""`python -m scripts.train_nano [steps…]`: every step that is not done yet, in order. Stop it and start it at will."""

import argparse
import importlib
import os
from pathlib import Path
from typing import Final

import torch

from .workplace import Workplace

STEPS: Final[dict[str, str]] = {
    "registry": "registry:fetch",
    "prepare": "prepare:prepare",
    "plain": "plain_corpus:build",
    "words": "words:build",
    "corpus": "corpus:build",
    "speak": "speak:build",
    "natural": "natural:build",
    "adopt": "adopt:adopt",
    "encoder": "encoder:train",
    "timbres": "timbre_fit:build",
    "decoder": "decoder:train",
    "references": "references:build",
    "lm": "lm:train",
    "export": "export:export",
    "builtin": "builtin:build",
    "seal": "export:reseal",
    "curves": "curves:draw",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.train_nano", description=__doc__)
    parser.add_argument("steps", nargs="*", help=f"of {', '.join(STEPS)}; all by default")
    parser.add_argument("--work", type=Path, default=Path("data"), help="where unfinished work is kept")
    parser.add_argument("--weights", type=Path, default=Path("deployments/nano"), help="where the checkpoints go")
    parser.add_argument("--packs", type=Path, help="natural speech; a folder of --work by default")
    parser.add_argument("--minutes", type=float, default=1.0, help="scales the time of every training")
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    at = Workplace(given.work, given.weights, minutes=given.minutes, packs=given.packs or given.work / "packs")
    for step in given.steps or STEPS:
        print(f"— {step}", flush=True)
        module, function = STEPS[step].split(":")
        getattr(importlib.import_module(f"{__package__}.{module}"), function)(at)


if __name__ == "__main__":
    main()
