"""Ray's and Serve's exceptions, as this service names them; raised here by hand."""

import asyncio
import pickle

import pytest
from ray.exceptions import (
    ActorDiedError,
    ActorUnavailableError,
    NodeDiedError,
    OwnerDiedError,
    RayActorError,
    RaySystemError,
    RayTaskError,
    WorkerCrashedError,
)
from ray.serve._private.common import DeploymentID
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError

from deployments.errors import InvalidAudio, Overloaded, ReplicaLost, ServiceError, Unavailable
from deployments.remote import errors_of, from_controller

LOST = [
    RayActorError(),
    ActorDiedError(),
    ActorUnavailableError("unavailable", None),
    WorkerCrashedError(),
    NodeDiedError("node"),
    OwnerDiedError("00", None, ""),
]


def raised(error: Exception) -> Exception:
    """What comes out instead."""
    with pytest.raises(Exception) as caught, errors_of("Llasa"):  # noqa: PT011 - the kind is the question
        raise error
    return caught.value


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
def test_the_loss_of_a_process_says_who_stopped_and_when_to_come_back(error: Exception) -> None:
    for found in (raised(error), raised(RayTaskError("f", "traceback", error))):
        assert isinstance(found, ReplicaLost)
        assert str(found) == "Llasa has stopped and is being restarted: try again."
        assert found.retry_after_s == 5


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DeploymentUnavailableError(DeploymentID("Llasa", "app")), Unavailable),
        (BackPressureError(3, 2), Overloaded),
        (RayTaskError("f", "traceback", InvalidAudio("silent", "audio")), InvalidAudio),
    ],
    ids=repr,
)
def test_other_refusals_keep_their_kind(error: Exception, kind: type[ServiceError]) -> None:
    assert type(raised(error)) is kind


def test_a_loss_that_was_given_up_elsewhere_is_not_repeated_here() -> None:
    given_up = RayTaskError("f", "traceback", ReplicaLost("Whisper has stopped.", retry_after_s=7))
    found = raised(given_up)
    assert isinstance(found, Unavailable)
    assert not isinstance(found, ReplicaLost)
    assert (found.message, found.retry_after_s) == ("Whisper has stopped.", 7)


@pytest.mark.parametrize("error", [RaySystemError("defect"), RayTaskError("f", "t", ValueError("a defect"))], ids=repr)
def test_defects_are_not_hidden(error: Exception) -> None:
    assert raised(error) is error


def test_a_loss_crosses_processes() -> None:
    found = pickle.loads(pickle.dumps(raised(ActorDiedError())))  # noqa: S301
    assert isinstance(found, ReplicaLost)


async def test_a_controller_that_has_died_is_waited_for() -> None:
    answers: list[Exception | str] = [ActorDiedError(), ActorUnavailableError("x", None), KeyError("app"), "up"]

    def question() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with asyncio.timeout(10):
        assert await from_controller(question) == "up"


async def test_a_controller_that_stays_away_is_unavailable() -> None:
    def question() -> str:
        raise ActorUnavailableError("x", None)

    with pytest.raises(Unavailable, match="controller") as caught:
        await from_controller(question, patience_s=0.01)
    assert caught.value.retry_after_s
