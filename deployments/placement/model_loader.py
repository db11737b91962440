"""Loading a model that may fail to load, and may be mended while the service runs."""

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
    """Loads import torch and transformers, a million objects of which none is garbage: the collector would look through
    them over and over, a fifth of the time. It does not look at them later either."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


_RETRY_S: Final = 2.0
"""Callers within so many seconds of a failure are told of it without another try."""
_TOLD_S: Final = 20.0
"""How long a process that cannot try again tells callers of its failure before another takes its place. At once it may
not end: Serve would take that for a failed start, and give up after a few."""


class ModelLoader(Generic[Model]):
    """A model, or why there is none.

    A replica whose model fails to load stays up and says so: if its constructor raised instead, Serve would start it
    again and again while its callers wait for nothing.

    Args:
        load: Makes the model; raises Unavailable, or ProcessMustEnd, which is let through.
        report: Told after each try: the seconds it took, and the failure or None.
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
        """The model. After a failure this tries again, and blocks meanwhile.

        Raises:
            Unavailable: it still cannot be loaded.
        """
        if self._model is None:
            with self._lock:
                # Where CUDA has started, it is another process that must try: `check_health` sees to it.
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
        """Raises the failure where this process cannot try again, so that Serve starts another."""
        if self._failure and cuda_has_started() and time.monotonic() - self._tried_at >= _TOLD_S:
            raise self._failure

    def peek(self) -> Model | None:
        """The model if it is loaded."""
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
