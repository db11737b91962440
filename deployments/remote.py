"""Calls to other processes of the service, with their failures as the service's errors."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from ray import serve
from ray.exceptions import (
    LocalRayletDiedError,
    NodeDiedError,
    ObjectLostError,
    RayActorError,
    RayTaskError,
    WorkerCrashedError,
)
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, RayServeException
from ray.serve.handle import DeploymentHandle

from deployments.errors import Overloaded, ReplicaLost, ServiceError, Unavailable

T = TypeVar("T")

LOST: Final = (RayActorError, WorkerCrashedError, NodeDiedError, LocalRayletDiedError, ObjectLostError)
"""Ray's errors when a process or its node is gone, or a result that it held. Excludes `RaySystemError`, which also
stands for a result that cannot be unpickled, a defect that no retry fixes."""
_RETRY_S: Final = 5
_CONTROLLER_S: Final = 15.0
"""Seconds in which Ray restarts a dead controller, and the new one restores its state; about 3 here."""
_POLL_S: Final = 0.25


@contextmanager
def errors_of(name: str) -> Iterator[None]:
    """Re-raises a deployment's errors locally, and raises Ray's as those of this service.

    Args:
        name: The deployment's name, for messages.

    Raises:
        ReplicaLost: the called process has died, or cannot be reached.
        Unavailable: Serve has given up starting the deployment.
        Overloaded: the deployment accepts no more requests.
    """
    try:
        yield
    except RayTaskError as error:
        if isinstance(error.cause, ReplicaLost):  # the called deployment has retried already
            raise Unavailable(error.cause.message, retry_after_s=error.cause.retry_after_s) from None
        if isinstance(error.cause, ServiceError):
            raise error.cause from None
        if isinstance(error.cause, LOST):  # the deployment lost one that it had called itself
            raise _lost(name) from error
        raise
    except LOST as error:
        raise _lost(name) from error
    except DeploymentUnavailableError as error:
        raise Unavailable(f"{name} failed to start, several times: the service's log says why.") from error
    except BackPressureError as error:
        raise Overloaded("Too many requests are waiting: try again later.", retry_after_s=_RETRY_S) from error


async def find_deployment(name: str, application: str) -> DeploymentHandle[Any]:
    """Returns the handle of a deployment of another application, or of this one.

    Raises:
        Unavailable: it does not exist yet.
    """
    try:
        return await from_controller(lambda: serve.get_deployment_handle(name, application))
    except RayServeException as error:
        raise Unavailable("The service is being started: try again.", retry_after_s=_RETRY_S) from error


def _lost(name: str) -> ReplicaLost:
    return ReplicaLost(f"{name} has stopped and is being restarted: try again.", retry_after_s=_RETRY_S)


async def from_controller(question: Callable[[], T], patience_s: float = _CONTROLLER_S) -> T:
    """Returns the answer of Serve's controller. Waits for a dead one, which Ray restarts.

    Args:
        question: Asks the controller, blocking; raises KeyError while the answer lacks the object in question, e.g.
            because a new controller has not restored its state yet.
        patience_s: Seconds to wait for an answer.

    Raises:
        Unavailable: no answer came in time.
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
