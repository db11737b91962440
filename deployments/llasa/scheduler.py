"""Decides what the engine computes next: which takes have slots, whose prompt is read, and who gets a token."""

import logging
from collections import deque

import torch

from deployments.llasa.reader import PromptReader
from deployments.llasa.sampler import Features
from deployments.llasa.slots import Slots
from deployments.llasa.steps import Steps, Tokens
from deployments.llasa.take import RunningTake

logger = logging.getLogger(__name__)


class Scheduler:
    """Advances takes in slots. All of it runs in the engine's thread, which alone changes what is here.

    Args:
        slots: State on the device.
        steps: Runs its steps.
        end: The token that ends a take.
    """

    def __init__(self, slots: Slots, steps: Steps, end: int) -> None:
        self.waiting = deque[RunningTake]()
        self.largest_batch = self.steps = self.codes = self.prompt_tokens = self._last_tokens = 0
        self._slots = slots
        self._steps = steps
        self._end = end
        self._prompts = PromptReader(slots)
        self._limit = slots.count
        self._speaking: dict[int, RunningTake] = {}
        self._flight = deque[tuple[Tokens, dict[int, RunningTake]]]()
        """Steps whose tokens have not been read yet."""

    @property
    def slots(self) -> int:
        return self._slots.count

    @property
    def running(self) -> int:
        return len(self._prompts.takes) + len(self._speaking)

    @property
    def prefilled_tokens(self) -> int:
        """Prompt tokens computed, with the last ones, which the first steps compute."""
        return self._prompts.computed_tokens + self._last_tokens

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
        failed = [*self._prompts.takes.values(), *self._speaking.values(), *self.waiting]
        for takes in (self._prompts.takes, self._speaking, self.waiting, self._flight):
            takes.clear()
        for take in failed:
            take.fail(message)

    def _drop_cancelled(self) -> None:
        for slot, take in (*self._prompts.takes.items(), *self._speaking.items()):
            if take.cancelled:
                self._free(slot)
        if any(take.cancelled for take in self.waiting):
            self.waiting = deque(take for take in self.waiting if not take.cancelled)

    def _admit(self) -> None:
        while self.waiting and self.running < self._limit:
            take = self.waiting.popleft()
            # The lowest one, because a step computes all slots up to the highest in use. Background takes leave the
            # first to others, whose steps then stop short of them.
            free = [n for n in range(self._slots.count) if n not in self._prompts.takes and n not in self._speaking]
            behind = [slot for slot in free if slot] if take.background else []
            self._prompts.add((behind or free)[0], take)

    def _read(self) -> None:
        for slot, take in self._prompts.read(len(self._speaking)).items():
            self._slots.begin(slot, take.prompt, take.sampling, take.min_codes)
            self._speaking[slot] = take
            self._last_tokens += 1
            self.prompt_tokens += len(take.prompt)

    def _step(self) -> bool:
        """Begins a step; returns whether there is anything to advance."""
        takes = self._next_takes()
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

    def _next_takes(self) -> dict[int, RunningTake]:
        """Returns the takes of the next step by slot: no background ones while somebody waits for the first codes."""
        takes = {slot: take for slot, take in self._speaking.items() if take.steps < take.limit}
        if not any(take.is_urgent for take in (*self._prompts.takes.values(), *takes.values())):
            return takes
        others = [slot for slot, take in takes.items() if not take.background]
        # The step advances every slot that it reaches, those of background takes, too.
        reach = self._steps.reach(max(others) + 1) if others else 0
        return {slot: take for slot, take in takes.items() if slot < reach}

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
        self._prompts.drop(slot)
        self._speaking.pop(slot, None)
        self._slots.end(slot)

    def _shrink(self, error: BaseException) -> None:
        """Goes on with half of the takes, the oldest; the others wait and begin again, unnoticed by their readers."""
        if self._slots.device.type == "cuda":
            torch.cuda.empty_cache()
        takes = {**self._speaking, **self._prompts.takes}
        kept = len(takes) // 2
        if kept:
            self._limit = kept
            logger.warning("out of memory with %d takes; goes on with %d: %s", len(takes), kept, error)
        elif chunk := self._prompts.shrink():
            logger.warning("out of memory with one take; reads %d prompt tokens at once: %s", chunk, error)
            return
        for slot, take in reversed([*takes.items()][kept:]):
            self._free(slot)
            if kept:
                take.restart()
                self.waiting.appendleft(take)
            else:
                take.fail(f"The memory does not suffice for one take: {error}")
