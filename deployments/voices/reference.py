"""The reference that a synthesis continues."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from cachetools import LRUCache

from deployments.cache_metrics import UNOBSERVED, CacheObserver
from deployments.xcodec2.protocol import Codes


@dataclass(frozen=True, slots=True)
class Reference:
    """A clip as the model takes it, and as a stored voice keeps it."""

    codes: Codes
    """[n], 50 a second."""
    text: str
    """Exact transcript of the codes."""
    warnings: tuple[str, ...] = ()
    """Possible problems of the clip, in readable sentences."""


_OVERHEAD: Final = 512
"""Approximate bytes of an entry besides its codes and text."""


class ReferenceCache:
    """An LRU cache of references, by the content that they were made from.

    Args:
        most_bytes: Maximum bytes.
        watch: Observes the cache.
    """

    def __init__(self, most_bytes: int = 32 * 2**20, watch: CacheObserver = UNOBSERVED) -> None:
        self._watch = watch
        self._entries = LRUCache[bytes, Reference](most_bytes, _size)

    def get(self, key: bytes) -> Reference | None:
        """Returns the reference of a key, if cached."""
        known = self._entries.get(key)
        self._watch.looked_up(hit=known is not None)
        return known

    def put(self, key: bytes, reference: Reference) -> None:
        """Caches a reference, if there is room."""
        with suppress(ValueError):  # larger than the cache
            self._entries[key] = reference
        self._watch.holds(self.size)

    @property
    def size(self) -> int:
        """Approximate bytes in the cache."""
        return int(self._entries.currsize)


def _size(reference: Reference) -> int:
    return reference.codes.nbytes + 4 * len(reference.text) + sum(map(len, reference.warnings)) + _OVERHEAD
