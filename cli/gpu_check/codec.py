"""Checks XCodec2: the embedded one against the CPU, and one of the published size for speed and memory."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import torch

from deployments.nano.weights import verified
from deployments.placement.memory import CONTEXT_BYTES, XCODEC2_BYTES
from deployments.voices.shipped import shipped_voices
from deployments.xcodec2.codec import Xcodec2Codec
from deployments.xcodec2.protocol import SAMPLE_RATE
from deployments.xcodec2.stream import CONTEXT, FIRST, HOLDBACK, STEP

_BATCH: Final = 8
_LONGEST: Final = 2000
"""Codes of the clips for which memory is planned: 40 s."""


@dataclass(frozen=True, slots=True)
class CodecCheck:
    """Figures of the codec."""

    same_codes: float
    """Fraction of a clip's codes that are those of a CPU."""
    decibels: float
    """What a CPU decodes, over the difference from it."""
    speed: dict[str, float]
    """Seconds of a call of the published size, by what it does; empty on a CPU."""
    used: int | None = None
    """Bytes of the GPU at its peak, with CUDA's own."""
    planned: int = XCODEC2_BYTES

    def __str__(self) -> str:
        lines = [
            f"XCodec2: {self.same_codes:.1%} of the codes are the CPU's; decoded sound {self.decibels:.0f} dB alike"
        ]
        if self.used:
            calls = ", ".join(f"{name} {seconds * 1e3:.1f} ms" for name, seconds in self.speed.items())
            memory = f"{self.used / 2**30:.2f} GiB used, {self.planned / 2**30:.2f} GiB planned"
            lines += [f"  of the published size: {calls}", f"  memory: {memory}"]
        return "\n".join(lines)


def check_codec(device: str) -> CodecCheck:
    """Compares the embedded codec with the CPU's; on a GPU, also measures random weights of the published size."""
    folder = str(verified("xcodec2"))
    reference, other = Xcodec2Codec.load(folder), Xcodec2Codec.load(folder, device)
    codes = next(iter(shipped_voices().values())).codes
    expected, decoded = (codec.decode([codes])[0] for codec in (reference, other))
    same = float(np.mean(reference.encode(expected) == other.encode(expected)))
    noise = max(float(np.mean((decoded - expected) ** 2)), 1e-20)
    decibels = 10 * float(np.log10(np.mean(expected**2) / noise))
    if device == "cpu":
        return CodecCheck(same, decibels, {})
    return CodecCheck(same, decibels, *_measure(device))


def _measure(device: str) -> tuple[dict[str, float], int]:
    from transformers import Xcodec2Config, Xcodec2Model

    random = np.random.default_rng(0)
    with TemporaryDirectory() as folder:
        with torch.device(device):
            Xcodec2Model(Xcodec2Config()).save_pretrained(folder)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_reserved()
        begin = time.perf_counter()
        codec = Xcodec2Codec(Path(folder), device)
        codec.load_encoder()
        speed = {"load": time.perf_counter() - begin}

    def codes(count: int) -> list[np.ndarray[tuple[int], np.dtype[np.int32]]]:
        return [row.astype(np.int32) for row in random.integers(0, codec.codec_size, (_BATCH, count))]

    clip = (0.1 * random.standard_normal(10 * SAMPLE_RATE)).astype(np.float32)
    first, later = codes(CONTEXT + FIRST + HOLDBACK), codes(CONTEXT + STEP + HOLDBACK)
    speed["first window"] = _seconds(lambda: codec.decode(first[:1], CONTEXT))
    speed[f"{_BATCH} first windows"] = _seconds(lambda: codec.decode(first, CONTEXT))
    speed[f"{_BATCH} windows"] = _seconds(lambda: codec.decode(later, CONTEXT))
    speed["encode 10 s"] = _seconds(lambda: codec.encode(clip))
    codec.decode(codes(_LONGEST))
    return speed, torch.cuda.max_memory_reserved() - before + CONTEXT_BYTES


def _seconds(call: Callable[[], object]) -> float:
    """Returns the median of five calls, after two."""
    seconds = []
    for _ in range(7):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return float(np.median(seconds[2:]))
