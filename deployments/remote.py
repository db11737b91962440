"""Calls to other processes of the service: their failures as errors of ours."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from ray.exceptions import (
    LocalRayletDiedError,
    NodeDiedError,
    ObjectLostError,
    RayActorError,
    RayTaskError,
    WorkerCrashedError,
)
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError

from deployments.errors import Overloaded, ReplicaLost, ServiceError, Unavailable

T = TypeVar("T")

LOST: Final = (RayActorError, WorkerCrashedError, NodeDiedError, LocalRayletDiedError, ObjectLostError)
"""What Ray raises when a process or its node is gone, or a result that it held. Not `RaySystemError`: that is also a
result which cannot be unpickled, a defect that no repetition mends."""
_RETRY_S: Final = 5
_CONTROLLER_S: Final = 15.0
"""Seconds in which Ray starts a controller that has died, and that one reads its state back; about 3 here."""
_POLL_S: Final = 0.25


@contextmanager
def errors_of(name: str) -> Iterator[None]:
    """Raises a deployment's own errors as they were raised there, and Ray's as those of this service.

    Args:
        name: Of the deployment, for messages.

    Raises:
        ReplicaLost: the process that was asked has died, or cannot be reached.
        Unavailable: Serve has given up starting the deployment.
        Overloaded: the deployment takes no more requests.
    """
    try:
        yield
    except RayTaskError as error:
        if isinstance(error.cause, ReplicaLost):  # who was asked has repeated its work already
            raise Unavailable(error.cause.message, retry_after_s=error.cause.retry_after_s) from None
        if isinstance(error.cause, ServiceError):
            raise error.cause from None
        if isinstance(error.cause, LOST):  # the deployment lost one that it had asked itself
            raise _lost(name) from error
        raise
    except LOST as error:
        raise _lost(name) from error
    except DeploymentUnavailableError as error:
        raise Unavailable(f"{name} failed to start, several times: the service's log says why.") from error
    except BackPressureError as error:
        raise Overloaded("Too many requests are waiting: try again later.", retry_after_s=_RETRY_S) from error


def _lost(name: str) -> ReplicaLost:
    return ReplicaLost(f"{name} has stopped and is being restarted: try again.", retry_after_s=_RETRY_S)


async def from_controller(question: Callable[[], T], patience_s: float = _CONTROLLER_S) -> T:
    """What Serve's controller answers. One that has died is waited for: Ray starts it again.

    Args:
        question: Asks the controller, blocking; raises KeyError while the answer lacks what it looks for, as that of a
            controller does which has not read its state back yet.
        patience_s: Seconds to wait for an answer.

    Raises:
        Unavailable: there was none.
    """
    try:
        async with asyncio.timeout(patience_s):
            while True:
                try:
                    return await asyncio.to_thread(question)
                except (*LOST, KeyError):
                    await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise Unavailable(
            "The controller of the service is being restarted: try again.", retry_after_s=_RETRY_S
        ) from None
