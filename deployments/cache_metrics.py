"""Metrics of the caches."""

from typing import Final, Protocol

from deployments.metric import Metric

HITS: Final = Metric("cache_hits_total", "counter", "Cache hits: look-ups, and for `prompts` tokens.", ("cache",))
MISSES: Final = Metric("cache_misses_total", "counter", "Cache misses, in the same units.", ("cache",))
BYTES: Final = Metric("cache_bytes", "gauge", "Approximate size of a cache in bytes.", ("cache",))


class CacheObserver(Protocol):
    """Observes a cache, from any thread."""

    def looked_up(self, *, hit: bool) -> None: ...

    def holds(self, size: int) -> None:
        """Bytes, about."""
        ...


class Unobserved:
    """Ignores everything."""

    def looked_up(self, *, hit: bool) -> None: ...

    def holds(self, size: int) -> None: ...


UNOBSERVED: Final = Unobserved()
