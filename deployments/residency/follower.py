"""Lets a replica's model sleep and wake as its policy wishes."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from deployments.errors import Unavailable
from deployments.residency.decision import Wish

logger = logging.getLogger(__name__)

_LOOK_S: Final = 0.5
"""Seconds between looks at the wish."""


class Sleeper(Protocol):
    """A model that can sleep: `ModelLoader`."""

    def sleep(self) -> bool:
        """Lets the model sleep unless it is in use. Returns whether it is out of memory now."""
        ...

    def wake(self) -> object: ...


class Follower:
    """Follows wishes in a thread of its own.

    Requests wake the model themselves, whatever the wish; a wish to sleep is followed once nobody uses the model, if it
    is still the latest then.

    Args:
        sleeper: The model.
        wish: Returns the latest wish. Those from before this follower are not followed.
    """

    def __init__(self, sleeper: Sleeper, wish: Callable[[], Wish]) -> None:
        self._sleeper = sleeper
        self._wish = wish
        self._followed: float | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="residency", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread once it has done what it is doing."""
        self._closed.set()

    def look(self) -> None:
        """Follows the latest wish, once."""
        wish = self._wish()
        if self._followed is None:
            self._followed = wish.at
        if wish.at != self._followed:
            if wish.asleep:
                followed = self._sleeper.sleep()
            else:
                followed = True
                with suppress(Unavailable):  # the sleeper reports it
                    self._sleeper.wake()
            if followed:
                self._followed = wish.at

    def _run(self) -> None:
        while not self._closed.wait(_LOOK_S):
            try:
                self.look()
            except Exception:
                logger.exception("a wish of the policy could not be followed")
