"""Reads prompts into the cache, chunk by chunk, or copies what another slot has of them."""

from itertools import takewhile
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deployments.llasa.slots import Slots
from deployments.llasa.take import RunningTake
from deployments.placement.memory import PREFILL

_CHUNK: Final = {"cpu": 128, "cuda": PREFILL}
"""Prompt tokens computed at once: more start a new take sooner, but make the running ones stutter."""
_LEAST_CHUNK: Final = 32
"""Where a chunk ran out of memory, smaller ones are tried down to this."""


class PromptReader:
    """Reads the prompts of takes between steps, in turn.

    Args:
        slots: State on the device.
    """

    def __init__(self, slots: Slots) -> None:
        self.takes: dict[int, RunningTake] = {}
        """Takes whose prompt is not in the cache yet, by slot, the oldest first."""
        self.computed_tokens = 0
        self._slots = slots
        self._size = _CHUNK[slots.device.type]
        self._known: dict[int, tuple[RunningTake, int]] = {}
        """The take whose prompt is in each slot, and how much of it is in the cache; stays when the take ends."""
        self._turn = 0

    def add(self, slot: int, take: RunningTake) -> None:
        """Begins to read a take's prompt."""
        take.opening = take.prompt[: self._size].tobytes()
        self.takes[slot] = take

    def drop(self, slot: int) -> None:
        """Leaves a prompt, if it is being read."""
        self.takes.pop(slot, None)

    def read(self, speaking: int) -> dict[int, RunningTake]:
        """Goes on with the prompts; returns the takes whose prompt is in the cache now.

        Args:
            speaking: Takes that wait for their next step.

        Raises:
            OutOfMemoryError, MemoryError: the memory does not suffice for a chunk.
        """
        # A step of few takes costs nearly as much as one of many: prompts that outnumber those takes are read first.
        for _ in range(1 + len(self.takes) // speaking if speaking else 1):
            self._read_chunk()
        whole = {slot: take for slot, take in self.takes.items() if take.is_read}
        for slot in whole:
            del self.takes[slot]
        return whole

    def shrink(self) -> int:
        """Halves the chunks; returns how many tokens they have now, 0 if they are the smallest already."""
        if self._size <= _LEAST_CHUNK:
            return 0
        self._size //= 2
        return self._size

    def _read_chunk(self) -> None:
        # In turn, the oldest prompt and the shortest rest: a short prompt never waits for all of a long one.
        self._turn += 1
        order = [slot for slot, take in self.takes.items() if not take.is_read]
        if self._turn % 2:
            order.sort(key=lambda slot: self.takes[slot].unread_tokens)
        computed: RunningTake | None = None
        for slot in order:
            take = self.takes[slot]
            if computed and take.compared and take.opening != computed.opening:
                continue  # the chunk is of no use to it: comparing all prompts each time would take longer than a step
            if (take.read or self._reuse(slot, take)) and take.unread_tokens and not computed:
                computed = take
                end = min(len(take.prompt) - 1, (take.read // self._size + 1) * self._size)
                self._slots.prefill(slot, take.prompt[take.read : end], take.read)
                self.computed_tokens += end - take.read
                take.read = end
                self._known[slot] = take, end

    def _reuse(self, slot: int, take: RunningTake) -> bool:
        """Copies what is in the cache of a take's prompt; returns false if it should wait for more."""
        take.compared = True
        found = {
            other: self._reusable(take.prompt, known.prompt, read)
            for other, (known, read) in self._known.items()
            if known.opening == take.opening
        }
        source = max(found, key=lambda other: (found[other], other == slot), default=slot)
        count = found.get(source, 0)
        for reader in takewhile(lambda reader: reader is not take, self.takes.values()):
            alike = reader.opening == take.opening
            if alike and self._reusable(take.prompt, reader.prompt, len(reader.prompt) - 1) > count:
                return False
        if count and source != slot:
            self._slots.copy(source, slot, count)
        take.read = count
        self._known[slot] = take, count
        return True

    def _reusable(self, prompt: NDArray[np.int64], other: NDArray[np.int64], count: int) -> int:
        """Returns how many tokens of a prompt can be taken over from another one, of which `count` are in the cache.

        Unless the prompts are equal, these are whole chunks: then every prompt is computed in the same chunks, to the
        same bits, whatever is found in the cache.
        """
        if np.array_equal(prompt, other) and count == len(prompt) - 1:
            return count
        least = min(len(prompt) - 1, len(other), count)
        (different,) = np.nonzero(prompt[:least] != other[:least])
        return int(different[0] if len(different) else least) // self._size * self._size
