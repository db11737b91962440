"""Decides what the engine computes next: which takes have slots, whose prompt is read, and who gets a token."""

import logging
from collections import deque
from itertools import takewhile
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from deployments.llasa.sampler import Features
from deployments.llasa.slots import Slots
from deployments.llasa.steps import Steps, Tokens
from deployments.llasa.take import RunningTake
from deployments.placement.memory import PREFILL

logger = logging.getLogger(__name__)

_CHUNK: Final = {"cpu": 128, "cuda": PREFILL}
"""Prompt tokens computed between two steps: more start a new take sooner, but make the running ones stutter."""
_LEAST_CHUNK: Final = 32
"""Where a chunk ran out of memory, smaller ones are tried down to this."""


class Scheduler:
    """Advances takes in slots. All of it runs in the engine's thread, which alone changes what is here.

    Args:
        slots: State on the device.
        steps: Runs its steps.
        end: The token that ends a take.
    """

    def __init__(self, slots: Slots, steps: Steps, end: int) -> None:
        self.waiting = deque[RunningTake]()
        self.largest_batch = self.steps = self.codes = self.prompt_tokens = self.prefilled_tokens = 0
        self._slots = slots
        self._steps = steps
        self._end = end
        self._chunk = _CHUNK[slots.device.type]
        self._limit = slots.count
        self._reading: dict[int, RunningTake] = {}
        """Takes whose prompt is not in the cache yet, by slot, the oldest first."""
        self._speaking: dict[int, RunningTake] = {}
        self._known: dict[int, tuple[RunningTake, int]] = {}
        """The take whose prompt is in each slot, and how much of it is in the cache; stays when the take ends."""
        self._flight = deque[tuple[Tokens, dict[int, RunningTake]]]()
        """Steps whose tokens have not been read yet."""
        self._turn = 0

    @property
    def slots(self) -> int:
        return self._slots.count

    @property
    def running(self) -> int:
        return len(self._reading) + len(self._speaking)

    @property
    def idle(self) -> bool:
        return not (self.waiting or self.running or self._flight)

    def advance(self) -> None:
        """Reads some of the prompts, and computes a token of every take that speaks."""
        self._drop_cancelled()
        try:
            self._admit()
            self._read()
            begun = self._step()
        except (torch.OutOfMemoryError, MemoryError) as error:
            self._collect(lag=0)
            self._shrink(error)
        else:
            self._collect(self._steps.lag if begun else 0)

    def fail(self, message: str) -> None:
        """Ends all takes with an error."""
        failed = [*self._reading.values(), *self._speaking.values(), *self.waiting]
        for takes in (self._reading, self._speaking, self.waiting, self._flight):
            takes.clear()
        for take in failed:
            take.fail(message)

    def _drop_cancelled(self) -> None:
        for slot, take in (*self._reading.items(), *self._speaking.items()):
            if take.cancelled:
                self._free(slot)
        if any(take.cancelled for take in self.waiting):
            self.waiting = deque(take for take in self.waiting if not take.cancelled)

    def _admit(self) -> None:
        while self.waiting and self.running < self._limit:
            # The lowest one, because a step computes all slots up to the highest in use.
            free = next(n for n in range(self._slots.count) if n not in self._reading and n not in self._speaking)
            take = self._reading[free] = self.waiting.popleft()
            take.opening = take.prompt[: self._chunk].tobytes()

    def _read(self) -> None:
        """Reads chunks of prompts, and begins all takes whose prompt is in the cache.

        One chunk, or as many as prompts wait for each take that speaks: a step costs a few takes as much as many.
        """
        for _ in range(1 + len(self._reading) // len(self._speaking) if self._speaking else 1):
            self._read_chunk()

    def _read_chunk(self) -> None:
        # In turn, the oldest prompt and the shortest rest: a short prompt never waits for all of a long one.
        self._turn += 1
        order = [*self._reading]
        if self._turn % 2:
            order.sort(key=lambda slot: self._reading[slot].unread_tokens)
        computed: RunningTake | None = None
        for slot in order:
            take = self._reading[slot]
            if computed and take.compared and take.opening != computed.opening:
                continue  # the chunk is of no use to it: comparing all prompts each time would take longer than a step
            if not take.read and not self._reuse(slot, take):
                continue
            if take.unread_tokens and not computed:
                computed = take
                end = min(len(take.prompt) - 1, (take.read // self._chunk + 1) * self._chunk)
                self._slots.prefill(slot, take.prompt[take.read : end], take.read)
                self.prefilled_tokens += end - take.read
                take.read = end
                self._known[slot] = take, end
            if not take.unread_tokens:
                self._slots.begin(slot, take.prompt, take.sampling, take.min_codes)
                self._speaking[slot] = self._reading.pop(slot)
                self.prefilled_tokens += 1  # the last token, which the first step computes
                self.prompt_tokens += len(take.prompt)

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
        for reader in takewhile(lambda reader: reader is not take, self._reading.values()):
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
        return int(different[0] if len(different) else least) // self._chunk * self._chunk

    def _step(self) -> bool:
        """Begins a step; returns whether there is anything to advance."""
        takes = {slot: take for slot, take in self._speaking.items() if take.steps < take.limit}
        if not takes:
            return False
        features = Features.of(take.sampling for take in takes.values())
        lengths = [takes[slot].length if slot in takes else 0 for slot in range(max(takes) + 1)]
        tokens = self._steps.run(lengths, features)
        for take in takes.values():
            take.steps += 1
        self._flight.append((tokens, takes))
        self.steps += 1
        self.codes += len(takes)
        self.largest_batch = max(self.largest_batch, len(takes))
        return True

    def _collect(self, lag: int) -> None:
        """Reads the tokens of all steps but the last `lag`. A take that ended or left meanwhile made one too many."""
        while len(self._flight) > lag:
            tokens, takes = self._flight.popleft()
            made = tokens()
            for slot, take in takes.items():
                if self._speaking.get(slot) is take:
                    if finish := take.push(made[slot], self._end):
                        self._free(slot)
                    take.send(finish)

    def _free(self, slot: int) -> None:
        self._reading.pop(slot, None)
        self._speaking.pop(slot, None)
        self._slots.end(slot)

    def _shrink(self, error: BaseException) -> None:
        """Goes on with half of the takes, the oldest; the others wait and begin again, unnoticed by their readers."""
        if self._slots.device.type == "cuda":
            torch.cuda.empty_cache()
        takes = {**self._speaking, **self._reading}
        kept = len(takes) // 2
        if kept:
            self._limit = kept
            logger.warning("out of memory with %d takes; goes on with %d: %s", len(takes), kept, error)
        elif self._chunk > _LEAST_CHUNK:
            self._chunk //= 2
            logger.warning("out of memory with one take; reads %d prompt tokens at once: %s", self._chunk, error)
            return
        for slot, take in reversed([*takes.items()][kept:]):
            self._free(slot)
            if kept:
                take.restart()
                self.waiting.appendleft(take)
            else:
                take.fail(f"The memory does not suffice for one take: {error}")
