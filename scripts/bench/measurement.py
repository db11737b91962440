"""Rows of a benchmark's table: the results of a system at a concurrency."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class TakeTimes:
    """Times of one take, from its request."""

    first_audio: float
    """Seconds until the first samples."""
    total: float
    """Seconds until the last samples."""
    audio: float
    """Seconds of audio generated."""


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one system at one concurrency. Times in seconds, memory in bytes."""

    system: str
    concurrency: int
    takes: int
    audio: float
    wall: float
    audio_rate: float
    """Seconds of audio per second, over all takes."""
    rtf: float
    """Real-time factor of a stream: median seconds of waiting per second of audio."""
    first_audio_p50: float
    first_audio_p95: float
    mean_batch: float
    """Codes per step of the model."""
    peak_memory: int | None
    floor_rate: float
    """`audio_rate` that the memory bandwidth allows."""
    cpu_rate: float
    """Seconds of audio per second of CPU time of this process: other load on the machine changes it little."""
    times_serial: float
    """`audio_rate` relative to the baseline of the same run."""
    times_serial_cpu: float
    """`cpu_rate` relative to the baseline's."""
    of_floor: float
    """`audio_rate` relative to `floor_rate`."""

    @classmethod
    def of(
        cls,
        system: str,
        concurrency: int,
        takes: list[TakeTimes],
        wall: float,
        cpu: float,
        *,
        mean_batch: float,
        peak_memory: int | None,
        floor_rate: float,
        serial: "Row | None",
    ) -> "Row":
        """Computes a row; `serial` is the baseline, None for itself."""
        audio = sum(take.audio for take in takes)
        rate = audio / wall
        first = [take.first_audio for take in takes]
        return cls(
            system=system,
            concurrency=concurrency,
            takes=len(takes),
            audio=audio,
            wall=wall,
            audio_rate=rate,
            rtf=percentile([take.total / take.audio for take in takes], 50),
            first_audio_p50=percentile(first, 50),
            first_audio_p95=percentile(first, 95),
            mean_batch=mean_batch,
            peak_memory=peak_memory,
            floor_rate=floor_rate,
            cpu_rate=audio / cpu,
            times_serial=rate / (serial.audio_rate if serial else rate),
            times_serial_cpu=audio / cpu / (serial.cpu_rate if serial else audio / cpu),
            of_floor=rate / floor_rate,
        )


def percentile(values: list[float], rank: float) -> float:
    """Returns a percentile, interpolated between neighbours."""
    return float(np.percentile(values, rank))
