"""Loads a model whose loading may fail and may be retried while the service runs."""

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

from deployments.errors import Unavailable
from deployments.placement.gpu_loader import ProcessMustEnd
from deployments.placement.placement import cuda_has_started

logger = logging.getLogger(__name__)

Model = TypeVar("Model")


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
    """A model, or the reason why it failed to load.

    A replica whose model fails to load stays up and reports it: if its constructor raised instead, Serve would restart
    it again and again while callers wait for nothing.

    Args:
        load: Loads the model; raises Unavailable, or ProcessMustEnd, which passes through.
        report: Called after each attempt with its seconds, and the failure or None.
    """

    def __init__(self, load: Callable[[], Model], report: Callable[[float, str | None], None]) -> None:
        self._load = load
        self._report = report
        self._lock = threading.Lock()
        self._model: Model | None = None
        self._failure: Unavailable | None = None
        self._tried_at = -_RETRY_S
        self._try()

    def get(self) -> Model:
        """Returns the model. After a failure this tries again, and blocks meanwhile.

        Raises:
            Unavailable: the model still cannot be loaded.
        """
        if self._model is None:
            with self._lock:
                # Once CUDA has started, only another process can try: see `check_health`.
                if self._model is None and not cuda_has_started() and time.monotonic() - self._tried_at >= _RETRY_S:
                    self._try()
        if self._model is None:
            assert self._failure  # noqa: S101 - one or the other
            raise self._failure
        return self._model

    async def ready(self) -> Model:
        """`get` without blocking the event loop."""
        return self._model if self._model is not None else await asyncio.to_thread(self.get)

    def check_health(self) -> None:
        """Raises the failure if this process cannot retry, so that Serve starts another."""
        if self._failure and cuda_has_started() and time.monotonic() - self._tried_at >= _REPORTED_S:
            raise self._failure

    def peek(self) -> Model | None:
        """Returns the model if it is loaded."""
        return self._model

    def _try(self) -> None:
        begin = time.monotonic()
        try:
            with _garbage_collection_paused():
                self._model, self._failure = self._load(), None
        except Unavailable as failure:
            self._failure = failure
        except ProcessMustEnd:
            raise
        except Exception as error:
            logger.exception("a model could not be loaded")
            self._failure = Unavailable(f"The model could not be loaded ({type(error).__name__}): the log says why.")
        self._tried_at = time.monotonic()
        self._report(self._tried_at - begin, self._failure.message if self._failure else None)
