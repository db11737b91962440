"""What is measured of the caches, each by the tag `cache`."""

from typing import Final, Protocol

from deployments.metric import Metric

HITS: Final = Metric(
    "cache_hits_total", "counter", "What was found in a cache: look-ups, and of `prompts` tokens.", ("cache",)
)
MISSES: Final = Metric("cache_misses_total", "counter", "Likewise, what was not there.", ("cache",))
BYTES: Final = Metric("cache_bytes", "gauge", "Bytes that a cache holds, about.", ("cache",))


class CacheObserver(Protocol):
    """Is told what a cache does, from any thread."""

    def looked_up(self, *, hit: bool) -> None: ...

    def holds(self, size: int) -> None:
        """Bytes, about."""
        ...


class Unobserved:
    """Nobody is told."""

    def looked_up(self, *, hit: bool) -> None: ...

    def holds(self, size: int) -> None: ...


UNOBSERVED: Final = Unobserved()
