"""The engine: generates many takes in one batch, each streamed, cancelled and sampled separately."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator
from queue import Empty, SimpleQueue
from typing import Final

import numpy as np
import torch

from deployments.errors import InvalidText, Unavailable
from deployments.llasa.checkpoint import Checkpoint
from deployments.llasa.protocol import CodeChunk, EngineStats, TakeRequest
from deployments.llasa.scheduler import Scheduler
from deployments.llasa.slots import Slots
from deployments.llasa.steps import fastest_steps
from deployments.llasa.take import RunningTake
from deployments.placement.memory import WINDOW

CONTEXT: Final = WINDOW
"""Tokens of text and speech together in Llasa's training; longer sequences ramble."""

logger = logging.getLogger(__name__)


class Engine:
    """Generates takes in a thread of its own: a `SpeechLM`.

    Args:
        checkpoint: Loaded by `load_checkpoint`.
        max_takes: Takes in the batch at once; further ones wait.
    """

    def __init__(self, checkpoint: Checkpoint, max_takes: int = 16) -> None:
        self._prompts = checkpoint.prompts
        slots = Slots(checkpoint.weights, max_takes, CONTEXT)
        self._steps = fastest_steps(slots)
        self._scheduler = Scheduler(slots, self._steps, checkpoint.vocabulary.end)
        self._inbox = SimpleQueue[RunningTake | None]()
        self._submission = threading.Lock()
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._run, name="llasa-engine", daemon=True)
        self._thread.start()

    @classmethod
    def fitting(cls, checkpoint: Checkpoint, max_takes: int) -> "Engine":
        """Returns an engine for fewer takes if memory does not suffice for `max_takes`: their number is an estimate.

        Raises:
            OutOfMemoryError: it does not suffice for one.
        """
        for takes in (max_takes >> halvings for halvings in range(max_takes.bit_length())):
            try:
                return cls(checkpoint, takes)
            except torch.OutOfMemoryError as error:
                logger.warning("no memory for %d takes at once: %s", takes, error)
            if torch.cuda.is_initialized():
                torch.cuda.empty_cache()
        raise torch.OutOfMemoryError("The memory does not suffice for one take.")

    @property
    def takes(self) -> int:
        """Takes in the batch at once."""
        return self._scheduler.slots

    @property
    def path(self) -> str:
        """How its steps are computed."""
        return self._steps.path

    async def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
        """Generates a take; see `SpeechLM.generate`."""
        prompt = np.asarray(self._prompts.build(request), np.int64)
        room = CONTEXT - len(prompt)
        if room < request.min_codes:
            raise InvalidText(
                f"Text and reference take {len(prompt)} of the model's {CONTEXT} tokens and leave too little to speak "
                "with: shorten the text or the reference clip."
            )
        limit = min(request.max_codes or room, room)
        take = RunningTake(
            prompt=prompt,
            limit=limit,
            min_codes=min(request.min_codes, limit),
            sampling=request.sampling,
            unknown_characters=not self._prompts.reads(request.text),
            loop=asyncio.get_running_loop(),
            background=request.background,
        )
        self._submit(take)
        try:
            chunk: CodeChunk | None = None
            while not (chunk and chunk.finish):
                item = await take.chunks.get()
                if isinstance(item, Unavailable):
                    raise item
                yield (chunk := item)
        finally:
            take.cancelled = True

    async def stats(self) -> EngineStats:
        scheduler = self._scheduler
        return EngineStats(
            running=scheduler.running,
            waiting=len(scheduler.waiting) + self._inbox.qsize(),
            largest_batch=scheduler.largest_batch,
            steps=scheduler.steps,
            codes=scheduler.codes,
            prompt_tokens=scheduler.prompt_tokens,
            prefilled_tokens=scheduler.prefilled_tokens,
        )

    def check_health(self) -> None:
        """Raises Unavailable if the engine's thread has died."""
        if self._failure:
            raise Unavailable(self._failure)

    def close(self) -> None:
        """Stops the engine's thread; running takes fail."""
        with self._submission:
            if not self._failure:
                self._inbox.put(None)
        self._thread.join()

    def _submit(self, take: RunningTake) -> None:
        with self._submission:  # either the thread receives it, or it fails here
            self.check_health()
            self._inbox.put(take)

    def _run(self) -> None:
        reason = "it was closed"
        try:
            with self._steps.context():
                while self._receive():
                    self._scheduler.advance()
        except Exception as error:
            logger.exception("the speech engine has died")
            reason = f"{type(error).__name__}: {error}"
        with self._submission:
            self._failure = f"The speech engine has died: {reason}"
            while not self._inbox.empty():
                if take := self._inbox.get():
                    self._scheduler.waiting.append(take)
        self._scheduler.fail(self._failure)

    def _receive(self) -> bool:
        """Takes in new takes, and waits for one if there is nothing to do; returns false when the engine closes."""
        while True:
            try:
                take = self._inbox.get(block=self._scheduler.idle)
            except Empty:
                return True
            if take is None:
                return False
            self._scheduler.waiting.append(take)
