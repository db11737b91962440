"""The voice that a synthesis continues."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from deployments.cache_metrics import UNOBSERVED, CacheObserver
from deployments.xcodec2.protocol import Codes


@dataclass(frozen=True, slots=True)
class Reference:
    """A clip as the model takes it: what a stored voice keeps."""

    codes: Codes
    """[n], 50 a second."""
    text: str
    """What is said in them, no more and no less."""
    warnings: tuple[str, ...] = ()
    """What may be wrong with the clip, for people to read."""


_OVERHEAD: Final = 512
"""Bytes of an entry beside its codes and text, about."""


class ReferenceCache:
    """References by the content that they were made of; the ones used longest ago leave first.

    Args:
        most_bytes: That it may hold.
        watch: Told of it.
    """

    def __init__(self, most_bytes: int = 32 * 2**20, watch: CacheObserver = UNOBSERVED) -> None:
        self._most = most_bytes
        self._watch = watch
        self._bytes = 0
        self._entries = OrderedDict[bytes, Reference]()

    def get(self, key: bytes) -> Reference | None:
        """What is known under a key."""
        if known := self._entries.get(key):
            self._entries.move_to_end(key)
        self._watch.looked_up(hit=known is not None)
        return known

    def put(self, key: bytes, reference: Reference) -> None:
        """Keeps it, as long as there is room."""
        if key not in self._entries:
            self._bytes += _size(reference)
        self._entries[key] = reference
        while self._bytes > self._most:
            _, left = self._entries.popitem(last=False)
            self._bytes -= _size(left)
        self._watch.holds(self._bytes)

    @property
    def size(self) -> int:
        """Bytes held, about."""
        return self._bytes


def _size(reference: Reference) -> int:
    return reference.codes.nbytes + 4 * len(reference.text) + sum(map(len, reference.warnings)) + _OVERHEAD
