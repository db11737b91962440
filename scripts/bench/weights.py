"""Measures what 8-bit weights cost in codes, and what they save in memory and time.

python -m scripts.bench.weights                       # nano, and a random Llasa with 4 layers of the 1B's shape
python -m scripts.bench.weights --layers 16 --json weights.json
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, cast

import torch

from cli.gpu_check.parity import Parity, compare, nano_requests
from cli.gpu_check.random_checkpoint import RandomTensors, random_config
from deployments.llasa.checkpoint import load_checkpoint
from deployments.llasa.config import LlamaConfig
from deployments.llasa.model import Llama
from deployments.llasa.weights import CheckpointFiles, Tensors, Weights, read_weights
from deployments.nano.weights import verified
from deployments.placement.memory import CODEC_SIZE, SHAPES, WINDOW
from deployments.profiles import WeightType
from scripts.bench.table import table

_PATHS: Final = (
    ("auto", torch.float32, "16 bits, CPU"),
    ("int8", torch.float32, "int8, CPU"),
    ("auto", torch.bfloat16, "bfloat16, as on a GPU"),
    ("int8", torch.bfloat16, "int8, as on a GPU"),
    ("fp8", torch.bfloat16, "fp8, as on a GPU"),
)
"""Types of weights and of activations. A CPU computes a GPU's, too, but so slowly that only the codes are compared."""
_CONTEXT: Final = 400


@dataclass(frozen=True, slots=True)
class Row:
    """A model computed in one way."""

    model: str
    path: str
    parity: Parity
    bytes: int
    """Of the weights on a GPU."""
    times: list[float]
    """Milliseconds of a step of 1, 8 and 16 takes, without sampling, and of a chunk of 128 prompt tokens."""


class Remembered:
    """Tensors that are the same each time they are read."""

    def __init__(self, source: Tensors) -> None:
        self._tensors = {name: source.get(name) for name in source.names}
        self.names = self._tensors.keys()

    def get(self, name: str) -> torch.Tensor:
        return self._tensors[name]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(prog="scripts.bench.weights", description=__doc__)
    parser.add_argument("--layers", type=int, default=4, help="of the random model; 0: none")
    parser.add_argument("--codes", type=int, default=100, help="after each prompt")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    rows = [*_nano(options.codes), *(_random(options.layers, options.codes) if options.layers else ())]
    print(_text(rows))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    return 0


def _nano(codes: int) -> Iterator[Row]:
    folder = verified("llasa")
    config = LlamaConfig.read(folder)
    checkpoint = load_checkpoint(str(folder))
    prompts = [checkpoint.prompts.build(request) for request in nano_requests()]
    vocabulary = checkpoint.vocabulary
    source = CheckpointFiles(folder, config)
    yield from _rows("nano", config, source, torch.from_numpy(vocabulary.order), vocabulary.end, prompts, codes)


def _random(layers: int, codes: int) -> Iterator[Row]:
    config = random_config(replace(SHAPES["llasa-1b"], layers=layers))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        source = Remembered(RandomTensors(config, "cpu"))
        prompts = torch.randint(0, config.shape.vocabulary, (1, 100)).tolist()
    order = torch.arange(config.shape.vocabulary)
    yield from _rows(f"random 1B, {layers} layers", config, source, order, CODEC_SIZE, prompts, codes)


def _rows(
    model: str,
    config: LlamaConfig,
    source: Tensors,
    order: torch.Tensor,
    codec_size: int,
    prompts: Sequence[Sequence[int]],
    codes: int,
) -> Iterator[Row]:
    reference: Weights | None = None
    for kind, dtype, path in _PATHS:
        weights = cast("WeightType", kind)
        loaded = read_weights(config, source, order, codec_size + 1, "cpu", weights, dtype)
        reference = reference or loaded
        parity = compare(reference, loaded, prompts, codes)
        size = replace(config.shape, weights=weights).model(codec_size)
        times = _times(loaded) if dtype == torch.float32 else []
        row = Row(model, path, parity, size, times)
        print(row, file=sys.stderr, flush=True)
        yield row


@torch.inference_mode()
def _times(weights: Weights) -> list[float]:
    llama = Llama(weights, 16, WINDOW)

    def step(batch: int) -> None:
        llama.decode(torch.zeros(batch, dtype=torch.int64), torch.full((batch,), _CONTEXT), [_CONTEXT + 1] * batch)

    def chunk() -> None:
        llama.prefill(0, torch.zeros(128, dtype=torch.int64), 256)

    return [*(_best(partial(step, batch)) for batch in (1, 8, 16)), _best(chunk)]


def _best(function: Callable[[], None], seconds: float = 0.4) -> float:
    """Returns the milliseconds of the fastest call, which other load disturbed least."""
    function()
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        begin = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - begin)
    return best * 1e3


def _text(rows: Sequence[Row]) -> str:
    header = ["model", "weights", "same code", "mean error", "largest", "spread", "MiB on a GPU"]
    header += ["ms a step at 1", "8", "16", "ms a chunk"]
    return table(
        header,
        [
            [
                row.model,
                row.path,
                f"{row.parity.same_code:.1%}",
                f"{row.parity.mean_error:.4f}",
                f"{row.parity.largest_error:.3f}",
                f"{row.parity.spread:.2f}",
                f"{row.bytes / 2**20:.0f}",
                *([f"{ms:.2f}" for ms in row.times] or ["-"] * 4),
            ]
            for row in rows
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
