"""Compares the parts of a book once they are spoken, as jobs do: what drifts is spoken again, and levels are evened."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from deployments.audio.prosody import Prosody
from deployments.jobs.drift import MOST, SEARCHED, Drift, Manner, first, gain, measured, retake
from deployments.jobs.plan import Part
from deployments.jobs.records import Recorded
from deployments.jobs.speaker import PartOrder
from deployments.jobs.store import PartStore


@dataclass(frozen=True, slots=True)
class Review:
    """The takes of a book.

    Args:
        parts: The parts of the book, whose first takes are in the store.
        orders: What to speak, by their keys.
        store: Has the takes.
    """

    parts: Sequence[Part]
    orders: Mapping[str, PartOrder]
    store: PartStore
    _measured: dict[str, Prosody] = field(default_factory=dict)

    def retakes(self) -> Iterator[tuple[str, PartOrder]]:
        """Yields what is to be spoken next, by keys."""
        for part, takes, manner in self._compared():
            order = self.orders[part.key]
            drift = self._best(part, takes, manner)[1]
            if drift.excess > 1 and len(takes) < MOST and order.params.get("temperature") != 0:
                key, seed = retake(part.key, part.seed, len(takes))
                yield key, replace(order, seed=seed)

    def recorded(self) -> Iterator[Recorded]:
        """Yields the parts with their best takes."""
        compared = first((part.text, part.speed) for part in self.parts[:SEARCHED])
        levels = [self._prosody(self.parts[n], self.parts[n].key).level for n in compared]
        for part, takes, manner in self._compared():
            key = takes[self._best(part, takes, manner)[0]]
            seconds = self.store.seconds(key) or 0.0
            own = Recorded(part.chapter, key, seconds, part.before, part.pause, part.written, part.slot_start)
            yield replace(own, slot_end=part.slot_end, gain=gain(self._prosody(part, key), levels))

    def _compared(self) -> Iterator[tuple[Part, list[str], Manner | None]]:
        """Yields each part with the keys of its takes, and the manner of its voice."""
        manners: dict[str | None, Manner | None] = {}
        for voice in {part.voice for part in self.parts}:
            own = [part for part in self.parts if part.voice == voice][:SEARCHED]
            compared = [own[n] for n in first((part.text, part.speed) for part in own)]
            manners[voice] = Manner.of(self._prosody(part, part.key) for part in compared)
        for part in self.parts:
            keys = [part.key, *(retake(part.key, part.seed, number)[0] for number in range(1, MOST))]
            takes = [key for key in keys if self.store.seconds(key) is not None]
            yield part, takes, manners[part.voice]

    def _best(self, part: Part, takes: Sequence[str], manner: Manner | None) -> tuple[int, Drift]:
        if manner is None:
            return 0, Drift(0.0, "")
        return manner.best([self._prosody(part, key) for key in takes])

    def _prosody(self, part: Part, key: str) -> Prosody:
        if key not in self._measured:
            self._measured[key] = measured(self.store.path(key), self.orders[part.key])
        return self._measured[key]
