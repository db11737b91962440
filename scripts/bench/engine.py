"""Benchmarks engine and codec on a bare machine, without Ray, against plain `generate` and the memory bandwidth.

python -m scripts.bench.engine                      # 8B on a GPU, tiny on a CPU
python -m scripts.bench.engine --size 1b --codes 250 --concurrency 1 8 --json out.json
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch

from deployments.llasa.checkpoint import Checkpoint, load_checkpoint
from deployments.llasa.engine import Engine
from deployments.xcodec2.batcher import CodecBatcher
from scripts.bench.floor import Floor
from scripts.bench.machine import Machine, memory_bandwidth, peak_memory, reset_peak_memory
from scripts.bench.measurement import Row, TakeTimes
from scripts.bench.serial import SerialSpeaker
from scripts.bench.sizes import SIZES, build_codec, load_published, write_checkpoint
from scripts.bench.table import table
from scripts.bench.takes import REFERENCES, TEXT_TOKENS, Takes, speak_serially, speak_together

if TYPE_CHECKING:
    from deployments.xcodec2.codec import Xcodec2Codec


@dataclass(frozen=True)
class Report:
    """Results of a run, as written by `--json`."""

    command: str
    machine: Machine
    size: str
    codes: int
    bandwidth: float
    """Bytes per second, measured by a copy or given."""
    weights: int
    """Bytes read by each step."""
    serial_attention: str
    engine_path: str
    """How the engine computes its steps."""
    rows: list[Row]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark and prints its table."""
    options = _options(arguments)
    report = asyncio.run(Bench(options).run())
    print(_text(report))
    if options.json:
        options.json.write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")
    return 0


class Bench:
    """Runs one system after the other on the same checkpoint, each loaded as its users load it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._device: str = options.device
        self._size = SIZES[options.size]
        self._takes = Takes(self._size.codec_size, options.codes)
        self._context = TEXT_TOKENS + sum(REFERENCES) / 2 + options.codes / 2

    async def run(self) -> Report:
        options = self._options
        if options.threads:
            torch.set_num_threads(options.threads)
        bandwidth = options.bandwidth * 1e9 if options.bandwidth else memory_bandwidth(self._device)
        _say(f"memory: {bandwidth / 1e9:.0f} GB/s; writing {options.size} and loading it on {self._device}")
        codec = build_codec(self._size, self._device)
        with TemporaryDirectory() as folder:
            write_checkpoint(self._size, Path(folder), self._device)
            checkpoint = load_checkpoint(folder, self._device)
            floor = Floor.of(self._size, 2, bandwidth)
            attention, serial = self._serial(Path(folder), checkpoint, codec, floor)
            rows = [serial]
            begin = time.perf_counter()
            engine = Engine(checkpoint, max(options.concurrency))
            path = f"{engine.path}, {checkpoint.weights.dtype}, ready in {time.perf_counter() - begin:.1f} s"
            rows += await self._engine(engine, codec, floor, serial)
        return Report(
            command=" ".join(["python -m scripts.bench.engine", *(options.given or sys.argv[1:])]),
            machine=Machine.of(self._device),
            size=options.size,
            codes=options.codes,
            bandwidth=bandwidth,
            weights=floor.weights,
            serial_attention=attention,
            engine_path=path,
            rows=rows,
        )

    def _serial(self, folder: Path, checkpoint: Checkpoint, codec: "Xcodec2Codec", floor: Floor) -> tuple[str, Row]:
        model = load_published(folder, self._device)
        speaker = SerialSpeaker(model, checkpoint.vocabulary)
        warm = Takes(self._size.codec_size, min(self._options.codes, 20)).make()
        speak_serially(speaker, codec, checkpoint.prompts, [warm], lambda line: None)
        reset_peak_memory(self._device)
        requests = [self._takes.make() for _ in range(self._options.serial_takes)]
        begin = time.process_time()
        takes = speak_serially(speaker, codec, checkpoint.prompts, requests, _say)
        cpu = time.process_time() - begin
        row = self._row("generate", 1, takes, sum(take.total for take in takes), cpu, 1.0, floor, None)
        return str(model.config._attn_implementation), row

    async def _engine(self, engine: Engine, codec: "Xcodec2Codec", floor: Floor, serial: Row) -> list[Row]:
        batcher = CodecBatcher(codec, self._options.decodes)
        try:
            await self._warm(engine, batcher)
            return [
                await self._together(engine, batcher, floor, concurrency, serial)
                for concurrency in self._options.concurrency
            ]
        finally:
            batcher.close()
            await asyncio.to_thread(engine.close)

    async def _warm(self, engine: Engine, codec: CodecBatcher) -> None:
        # As many as will run: each batch size may have to compile its own kernels and graphs.
        for concurrency in self._options.concurrency:
            takes = Takes(self._size.codec_size, min(self._options.codes, 60))
            await speak_together(engine, codec, [takes.make() for _ in range(concurrency)])

    async def _together(self, engine: Engine, codec: CodecBatcher, floor: Floor, concurrency: int, serial: Row) -> Row:
        reset_peak_memory(self._device)
        before = await engine.stats()
        takes: list[TakeTimes] = []
        wall, cpu = 0.0, -time.process_time()
        for _ in range(-(-self._options.takes // concurrency)):
            requests = [self._takes.make() for _ in range(concurrency)]
            begin = time.perf_counter()
            takes += await speak_together(engine, codec, requests)
            wall += time.perf_counter() - begin
        cpu += time.process_time()
        after = await engine.stats()
        mean_batch = (after.codes - before.codes) / (after.steps - before.steps)
        _say(f"engine, {concurrency} at once: {wall:.1f} s for {sum(take.audio for take in takes):.0f} s of audio")
        return self._row("engine", concurrency, takes, wall, cpu, mean_batch, floor, serial)

    def _row(
        self,
        system: str,
        concurrency: int,
        takes: list[TakeTimes],
        wall: float,
        cpu: float,
        mean_batch: float,
        floor: Floor,
        serial: Row | None,
    ) -> Row:
        return Row.of(
            system,
            concurrency,
            takes,
            wall,
            cpu,
            mean_batch=mean_batch,
            peak_memory=peak_memory(self._device),
            floor_rate=floor.audio_rate(concurrency, self._context),
            serial=serial,
        )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    on_gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(prog="scripts.bench.engine", description=__doc__)
    parser.add_argument("--device", default="cuda" if on_gpu else "cpu")
    parser.add_argument("--size", choices=SIZES, default="8b" if on_gpu else "tiny")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8, 16, 64])
    parser.add_argument("--codes", type=int, default=500 if on_gpu else 150, help="length of each take; 50 a second")
    parser.add_argument("--serial-takes", type=int, default=2, help="takes of the baseline")
    parser.add_argument("--decodes", type=int, default=8 if on_gpu else 1, help="clips the codec decodes at once")
    parser.add_argument("--takes", type=int, default=1, help="fewest takes at each concurrency")
    parser.add_argument("--bandwidth", type=float, help="GB/s of the memory; default: measured by a copy")
    parser.add_argument("--threads", type=int, help="that torch computes with on a CPU")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args(arguments)
    options.given = list(arguments) if arguments is not None else []
    if min(options.concurrency) < 1 or options.codes < 1 or options.serial_takes < 1:
        parser.error("counts must be positive")
    return options


def _text(report: Report) -> str:
    header = [
        "system",
        "at once",
        "audio s/s",
        "x generate",
        "audio s/CPU s",
        "x generate",
        "of floor",
        "floor s/s",
        "RTF",
        "first audio p50 s",
    ]
    header += ["p95 s", "mean batch", "GPU GiB"]
    rows = [
        [
            row.system,
            str(row.concurrency),
            f"{row.audio_rate:.2f}",
            f"{row.times_serial:.2f}",
            f"{row.cpu_rate:.2f}",
            f"{row.times_serial_cpu:.2f}",
            f"{row.of_floor:.1%}",
            f"{row.floor_rate:.1f}",
            f"{row.rtf:.3f}",
            f"{row.first_audio_p50:.3f}",
            f"{row.first_audio_p95:.3f}",
            f"{row.mean_batch:.1f}",
            "-" if row.peak_memory is None else f"{row.peak_memory / 2**30:.1f}",
        ]
        for row in report.rows
    ]
    return (
        f"\n{report.machine}\n{report.size}, takes of {report.codes} codes ({report.codes / 50:g} s); generate with "
        f"{report.serial_attention}; engine: {report.engine_path}\n"
        f"floor: {report.weights / 1e9:.3f} GB of weights a step, and the caches, at {report.bandwidth / 1e9:.0f} GB/s"
        f"\n\n{table(header, rows)}\n"
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
