"""The command line."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """Arguments, by their names there."""

    url: str | None
    only: tuple[str, ...]
    kills: int
    clients: int
    requests: int
    seconds: float
    admitted: int | None
    files: int
    strace: int
    keep: Path | None
    bombs: int
    seed: int
    timeout: float
    json: Path | None
    list: bool


def parse(arguments: Sequence[str] | None, summaries: Mapping[str, str]) -> Options:
    """Reads the command line; `summaries` are the faults and what each does."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.chaos",
        description="Breaks the service on purpose and prints what became of its requests. "
        "Exits with 1 if anything was lost or wrong.",
    )
    parser.add_argument("--list", action="store_true", help="print the faults and exit")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        choices=list(summaries),
        metavar="FAULT",
        help="run only these faults",
    )
    parser.add_argument(
        "--url", help="of a running service, preferably on this machine (default: start one with PROFILE=nano)"
    )
    parser.add_argument("--kills", type=int, default=20, help="times that each process is killed")
    parser.add_argument("--clients", type=int, default=8, help="whole-request clients, and as many streaming clients")
    parser.add_argument("--requests", type=int, default=500, help="sent during upgrade, and during replace")
    parser.add_argument("--seconds", type=float, default=60, help="length of overload and slow-readers")
    parser.add_argument(
        "--admitted", type=int, help="requests that the service admits at once (default: as its settings say)"
    )
    parser.add_argument("--files", type=int, default=10_000, help="mutated files to send")
    parser.add_argument("--strace", type=int, default=0, help="files during which decoders' system calls are recorded")
    parser.add_argument("--keep", type=Path, help="folder for files whose request was lost")
    parser.add_argument("--bombs", type=int, default=3, help="times that each bomb is sent")
    parser.add_argument("--seed", type=int, default=0, help="of mutations and of the order of requests")
    parser.add_argument("--timeout", type=float, default=120, help="seconds after which a request counts as lost")
    parser.add_argument("--json", type=Path, help="file for the figures")
    given = vars(parser.parse_args(arguments))
    return Options(**given | {"only": tuple(given["only"])})
