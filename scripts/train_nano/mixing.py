"""Mixes decoders that were trained from the same beginning: `python -m scripts.train_nano.mixing WORK FILE=SHARE …`.

What one training has learnt by heart, another has not: a mixture can be heard better than each. FILE is a
`decoder.resume`; WORK gets the sharpened `decoder.pt`.
"""

import argparse
from pathlib import Path

import torch

from . import codec
from .decoder import Spoken, finish
from .workplace import Workplace, save


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.train_nano.mixing", description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("parts", nargs="+", metavar="FILE=SHARE")
    given = parser.parse_args()
    parts = [(torch.load(file, "cpu")["model"], float(share)) for file, share in (p.split("=") for p in given.parts)]
    mixed = {name: sum(state[name].float() * share for state, share in parts) for name in parts[0][0]}
    at = Workplace(given.work, given.work, device="cpu")
    model = codec.build()
    model.load_state_dict(mixed)
    finish(model, Spoken(at, seed=1))
    save(at.path("decoder.pt"), model=model.state_dict())


if __name__ == "__main__":
    main()
