"""Loads a model whose loading may fail and may be retried, and lets it sleep while nobody uses it."""

import asyncio
import gc
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar

from deployments.errors import Unavailable
from deployments.placement.gpu_loader import ProcessMustEnd
from deployments.placement.placement import cuda_has_started

logger = logging.getLogger(__name__)

Model = TypeVar("Model")


@dataclass(frozen=True, slots=True)
class LoadEvent:
    """What has happened to a model."""

    state: Literal["loading", "ready", "asleep", "failed"]
    """Its state now. The next use of a model that failed tries again."""
    seconds: float | None = None
    """Duration of a load or wake that has ended."""
    failure: str | None = None
    woken: bool = False
    """Whether it was a wake, not a load."""


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """Pauses the garbage collector. Loads import torch and transformers, a million objects without garbage: the
    collector would scan them again and again, a fifth of the time. It does not scan them later either."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


_RETRY_S: Final = 2.0
"""Seconds after a failure in which callers get it without another attempt."""
_REPORTED_S: Final = 20.0
"""Seconds for which a process that cannot retry reports its failure before another replaces it. If it ended at once,
Serve would count a failed start, and give up after a few."""


class ModelLoader(Generic[Model]):
    """A model, awake or asleep, or the reason why it failed to load.

    A replica whose model fails to load stays up and reports it: if its constructor raised instead, Serve would restart
    it again and again while callers wait for nothing.

    Args:
        load: Loads the model; raises Unavailable, or ProcessMustEnd, which passes through.
        report: Called with each event.
        prepare: Called before each sleep, while the model may be in use.
        sleep: Frees the model's memory, for instance its GPU.
        wake: Brings the memory back. After Unavailable it may be called again; ProcessMustEnd ends the process, whose
            callers find another one.
        end: Ends the process.
    """

    def __init__(
        self,
        load: Callable[[], Model],
        report: Callable[[LoadEvent], None],
        *,
        prepare: Callable[[Model], None] = lambda model: None,
        sleep: Callable[[Model], None] = lambda model: None,
        wake: Callable[[Model], None] = lambda model: None,
        end: Callable[[], None] = lambda: os._exit(1),
    ) -> None:
        self._load = load
        self._report = report
        self._prepare = prepare
        self._put_to_sleep = sleep
        self._wake = wake
        self._end = end
        self._moving = threading.Lock()
        """Held while the model is loaded, falls asleep or wakes."""
        self._counting = threading.Lock()
        self._users = 0
        self._model: Model | None = None
        self._asleep = False
        self._failure: Unavailable | None = None
        self._tried_at = 0.0
        self._try()

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Model]:
        """Yields the model, which stays awake meanwhile. Wakes it; after a failure tries again to load it.

        Raises:
            Unavailable: the model still cannot be loaded.
        """
        with self._counting:
            self._users += 1
        try:
            model = self.peek()
            yield await asyncio.to_thread(self.wake) if model is None else model
        finally:
            with self._counting:
                self._users -= 1

    def wake(self) -> Model:
        """Returns the model; loads or wakes it, if it must, and blocks meanwhile.

        Raises:
            Unavailable: it cannot be loaded.
        """
        with self._moving:
            # Once CUDA has started, only another process can load: see `check_health`.
            may = self._asleep or not cuda_has_started()
            if self.peek() is None and may and (not self._failure or time.monotonic() - self._tried_at >= _RETRY_S):
                try:
                    self._try()
                except ProcessMustEnd as error:
                    logger.warning("this process ends, and another one takes its place: %s", error)
                    self._end()
                    raise
            if (model := self.peek()) is None:
                assert self._failure  # noqa: S101 - one or the other
                raise self._failure
            return model

    def sleep(self) -> bool:
        """Lets the model sleep unless it is in use. Returns whether it is out of memory now."""
        if (model := self.peek()) is not None:
            self._prepare(model)
        with self._moving:
            with self._counting:
                if self._users:
                    return False
                if model is None or self.peek() is None:
                    return self.peek() is None
                self._asleep = True  # from here on, users wait for the lock
            try:
                self._put_to_sleep(model)
            except BaseException:
                self._give_up("The model failed to fall asleep: the log says why.")
                raise
            self._report(LoadEvent("asleep"))
            return True

    def check_health(self) -> None:
        """Raises the failure if this process cannot retry, so that Serve starts another."""
        stuck = not self._asleep and cuda_has_started() and time.monotonic() - self._tried_at >= _REPORTED_S
        if self._failure and stuck:
            raise self._failure

    def peek(self) -> Model | None:
        """Returns the model if it is loaded and awake."""
        return None if self._asleep else self._model

    def _try(self) -> None:
        begin, waking = time.monotonic(), self._asleep
        try:
            if waking:
                assert self._model is not None  # noqa: S101 - only a loaded model sleeps
                self._report(LoadEvent("loading"))
                self._wake(self._model)
            else:
                with _garbage_collection_paused():
                    self._model = self._load()
            self._failure, self._asleep = None, False
        except Unavailable as failure:
            self._failure = failure
        except ProcessMustEnd:
            raise
        except Exception as error:
            logger.exception("a model could not be loaded")
            self._give_up(f"The model could not be loaded ({type(error).__name__}): the log says why.")
        self._tried_at = time.monotonic()
        message = self._failure.message if self._failure else None
        state: Literal["ready", "asleep", "failed"] = "ready"
        if self._failure or self._asleep:
            state = "asleep" if self._asleep else "failed"
        self._report(LoadEvent(state, self._tried_at - begin, message, woken=waking))

    def _give_up(self, message: str) -> None:
        """Forgets a model of unknown state: it must be loaded again."""
        self._model, self._asleep, self._failure = None, False, Unavailable(message)
