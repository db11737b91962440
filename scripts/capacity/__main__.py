"""Prints the clusters for given numbers of listeners.

`python -m scripts.capacity --gpu-audio-rate 42 --streams 10 100 1000 10000`
"""

import argparse
import sys
from collections.abc import Sequence

from scripts.bench.table import table
from scripts.capacity.model import Demand, Figures, plan


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a row for each number of streams."""
    parser = argparse.ArgumentParser(prog="python -m scripts.capacity", description=__doc__)
    parser.add_argument("--gpu-audio-rate", type=float, required=True, help="audio s/s of a GPU, by scripts.bench")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 10, 100, 1_000, 10_000, 40_000])
    parser.add_argument("--headroom", type=float, default=0.3, help="of the GPUs, kept free")
    parser.add_argument("--gpus-per-node", type=int, default=1)
    parser.add_argument("--storage", type=float, default=2.0, help="GB/s of the volume with the checkpoints")
    parser.add_argument("--gpu-price", type=float, default=0.0, help="for an hour")
    parser.add_argument("--cpu-price", type=float, default=0.0, help="for an hour")
    given = parser.parse_args(arguments)
    figures = Figures(given.gpu_audio_rate)
    rows = []
    for streams in given.streams:
        demand = Demand(
            streams,
            given.headroom,
            given.gpus_per_node,
            given.storage,
            given.gpu_price,
            given.cpu_price,
        )
        found = plan(demand, figures)
        rows.append(
            [
                str(streams),
                str(found.gpus),
                *map(str, found.replicas.values()),
                str(found.proxies),
                str(found.cpu_nodes),
                str(found.nodes),
                str(found.cells),
                f"{found.cold_start_s / 60:.1f}",
                f"{found.price:.2f}",
                f"{found.price_of_speech(streams):.4f}",
                found.bound_by or "-",
            ]
        )
    head = ["streams", "GPUs", *found.replicas, "proxies", "CPU nodes", "Ray nodes", "cells", "all cold, min"]
    print(table([*head, "price/h", "price/h of speech", "cells because of"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
