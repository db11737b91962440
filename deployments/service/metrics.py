"""Metrics of requests. Their names are those of vLLM-Omni."""

from typing import Final, Protocol

from deployments.audio.decoder import DECODER_FAILURES
from deployments.cache_metrics import BYTES, HITS, MISSES
from deployments.metric import Metric

CONTINUITY_MS: Final = 100
"""Milliseconds of silence in a player above which the speech counts as interrupted."""

_SECONDS: Final = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600)

METRICS: Final = (
    Metric("audio_ttfp_s", "histogram", "Seconds from request to first audio sent.", (), _SECONDS),
    Metric("audio_duration_s", "histogram", "Seconds of audio in a response.", (), _SECONDS),
    Metric(
        "audio_rtf",
        "histogram",
        "Processing time divided by the duration of the audio.",
        (),
        (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10),
    ),
    Metric("audio_frames_total", "counter", "Codec frames sent (50 per second of audio)."),
    Metric("audio_underrun_s", "histogram", "Seconds of stalls in a player that starts immediately.", (), _SECONDS),
    Metric(
        "audio_continuity_ok_total",
        "counter",
        "Requests that such a player plays without a stall above the threshold.",
        ("threshold_ms",),
    ),
    Metric(
        "audio_skipped_requests_total",
        "counter",
        "Speech requests that failed before their first audio.",
        ("reason",),
    ),
    Metric(
        "audio_interrupted_requests_total",
        "counter",
        "Speech requests that failed after their first audio.",
        ("reason",),
    ),
    Metric("requests_success_total", "counter", "Speech requests completed.", ("finished_reason",)),
    Metric("num_requests_running", "gauge", "Requests being processed."),
    Metric("num_requests_waiting", "gauge", "Requests waiting for a turn."),
    Metric("e2e_request_latency_s", "histogram", "Seconds from a speech request to its last byte.", (), _SECONDS),
    HITS,
    MISSES,
    BYTES,
    DECODER_FAILURES,
)  # fmt: skip


class Metrics(Protocol):
    """Records measurements. Names and tags are those of `METRICS`."""

    def count(self, name: str, value: float = 1, **tags: str) -> None: ...

    def gauge(self, name: str, value: float, **tags: str) -> None: ...

    def observe(self, name: str, value: float) -> None: ...


class CacheMetrics:
    """The `CacheObserver` of a cache.

    Args:
        metrics: Receives the measurements.
        cache: Name of the cache.
    """

    def __init__(self, metrics: Metrics, cache: str) -> None:
        self._metrics = metrics
        self._cache = cache

    def looked_up(self, *, hit: bool) -> None:
        self._metrics.count((HITS if hit else MISSES).name, cache=self._cache)

    def holds(self, size: int) -> None:
        self._metrics.gauge(BYTES.name, size, cache=self._cache)
