"""The service over HTTP against a seed-style serial server, on the same weights, in one run.

python -m scripts.bench.service
python -m scripts.bench.service --clients 1 8 --requests 3 --json out.json
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from scripts.bench.load import Load, Speaker, drive
from scripts.bench.machine import Machine
from scripts.bench.server import running
from scripts.bench.table import table
from scripts.random_checkpoints.llasa import write_llasa
from scripts.random_checkpoints.whisper import write_whisper
from scripts.random_checkpoints.xcodec2 import write_xcodec2


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures both servers alternately, each while the other is idle, and prints the ratios."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="llasa-bench-") as folder:
        environment = _checkpoints(Path(folder), options)
        threads = options.serial_threads or _best_threads(environment, options)
        with (
            running("scripts.bench.serial_server", "--threads", str(threads), environment=environment) as serial_url,
            running("cli", "serve", environment=environment) as service_url,
        ):
            serial, service = _measure({"serial": serial_url, "service": service_url}, options)
    print(_text(serial, service, threads, options))
    if options.json:
        figures = {
            "machine": asdict(Machine.of("cpu")),
            "arguments": {name: str(value) for name, value in vars(options).items()},
            "serial_threads": threads,
            "serial": [asdict(load) for load in serial],
            "service": [asdict(load) for load in service],
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def _checkpoints(folder: Path, options: argparse.Namespace) -> dict[str, str]:
    """Returns settings with which both servers run the same models."""
    llasa, xcodec2 = options.llasa, options.xcodec2
    if llasa is None:
        llasa = folder / "llasa"
        write_llasa(llasa, hidden_size=options.hidden, layers=options.layers, end_bias=0)  # takes run to their cap
    if xcodec2 is None:
        xcodec2 = folder / "xcodec2"
        write_xcodec2(xcodec2)
    write_whisper(folder / "whisper")  # idle, but deployed
    return {
        "PROFILE": "nano",
        "LLASA_MODEL_PATH": str(llasa),
        "XCODEC_MODEL_PATH": str(xcodec2),
        "WHISPER_MODEL_PATH": str(folder / "whisper"),
        "MODELS_CACHE_DIR": str(folder / "cache"),
        "HF_HUB_OFFLINE": "1",
        "LOG_LEVEL": "WARNING",
        "TAKE_RETRIES": "0",
        "REFERENCE_CHECK": "off",  # random weights have no good take
    }


def _best_threads(environment: dict[str, str], options: argparse.Namespace) -> int:
    """Returns whether the serial server is faster with one thread of torch or with two."""
    rates = {}
    for threads in (1, 2):
        with running("scripts.bench.serial_server", "--threads", str(threads), environment=environment) as url:
            speaker = Speaker(options.letters, options.reference)
            asyncio.run(drive(url, speaker, 1, 1))
            rates[threads] = asyncio.run(drive(url, speaker, 1, 3)).audio_rate
        _say(f"serial server with {threads} threads: {rates[threads]:.2f} s of audio a second")
    return max(rates, key=lambda threads: rates[threads])


def _measure(urls: dict[str, str], options: argparse.Namespace) -> list[list[Load]]:
    """Returns loads by server, then by number of clients. Alternates, as a machine's speed drifts."""
    loads: dict[str, list[Load]] = {name: [] for name in urls}
    speakers = {name: Speaker(options.letters, options.reference) for name in urls}
    for name, url in urls.items():
        asyncio.run(drive(url, speakers[name], 4, 2))  # warms up, on each of the clips
    for clients in options.clients:
        for name, url in urls.items():
            load = asyncio.run(drive(url, speakers[name], clients, options.requests))
            _say(
                f"{name}, {clients} clients: {load.wall:.1f} s for {len(load.answers)} requests, "
                f"{load.others:.2f} cores busy with others"
            )
            loads[name].append(load)
    return list(loads.values())


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts.bench.service", description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--requests", type=int, default=4, help="that each client sends, on average")
    parser.add_argument("--letters", type=int, default=30, help="of a text, on average; its take's cap follows")
    parser.add_argument("--reference", type=float, default=5.0, help="seconds of each clip")
    parser.add_argument("--hidden", type=int, default=192, help="width of the random Llasa")
    parser.add_argument("--layers", type=int, default=4, help="its depth")
    parser.add_argument("--llasa", type=Path, help="folder of a Llasa, instead of the random one")
    parser.add_argument("--xcodec2", type=Path, help="folder of an XCodec2, instead of the random one")
    parser.add_argument("--serial-threads", type=int, help="of the serial server; default: the better of 1 and 2")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser.parse_args(arguments)


def _text(serial: list[Load], service: list[Load], threads: int, options: argparse.Namespace) -> str:
    header = ["system", "clients", "requests/s", "audio s/s", "x serial", "p50 s", "p95 s", "audio s each"]
    header += ["encode p50 s", "generate p50 s", "decode p50 s", "others' cores"]
    rows = [
        [
            system,
            str(load.clients),
            f"{load.request_rate:.3f}",
            f"{load.audio_rate:.2f}",
            f"{load.audio_rate / baseline.audio_rate:.2f}",
            f"{load.latency(50):.2f}",
            f"{load.latency(95):.2f}",
            f"{sum(answer.audio for answer in load.answers) / len(load.answers):.2f}",
            *(f"{load.stage(stage):.2f}" if load.stage(stage) else "-" for stage in ("encode", "generate", "decode")),
            f"{load.others:.2f}",
        ]
        for baseline, other in zip(serial, service, strict=True)
        for system, load in (("serial", baseline), ("service", other))
    ]
    return (
        f"\n{Machine.of('cpu')}\nserial server: {threads} threads of torch; texts of about {options.letters} letters, "
        f"clips of {options.reference:g} s, {options.requests} requests a client\n\n{table(header, rows)}\n"
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
