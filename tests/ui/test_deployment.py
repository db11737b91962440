"""The page behind a handle of the test's own, whose replicas die."""

import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import numpy as np
import pytest
from ray.exceptions import ActorDiedError, RayTaskError
from ray.serve.handle import DeploymentHandle

from deployments.errors import ReplicaLost, Unavailable
from deployments.service.parameters import SpeechParams
from deployments.service.retry import ATTEMPTS
from deployments.service.service import SpeechService
from deployments.synthesis.events import Audio, Progress, SpeechEvent
from ui.deployment import RemoteBackend

AUDIO = Audio(np.zeros(8, np.float32))


class Stream:
    """The answer of a streaming call; an exception ends it."""

    def __init__(self, items: list[SpeechEvent | Exception]) -> None:
        self._items = items
        self.cancelled = False

    async def __aiter__(self) -> AsyncIterator[SpeechEvent]:
        for item in self._items:
            if isinstance(item, Exception):
                raise item
            yield item

    def cancel(self) -> None:
        self.cancelled = True


class Ingress:
    """A handle whose answers are scripted; the last is repeated."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.asked = 0

    def options(self, **options: Any) -> "Ingress":
        return self

    def _next(self) -> Any:
        self.asked += 1
        return self._answers[min(self.asked, len(self._answers)) - 1]

    def remote(self, *args: Any, **options: Any) -> Any:
        answer = self._next()
        return Stream(answer) if isinstance(answer, list) else self._answer(answer)

    async def _answer(self, answer: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Callable[[Ingress], RemoteBackend]:
    def make(ingress: Ingress) -> RemoteBackend:
        monkeypatch.setattr("ray.serve.get_app_handle", lambda name: cast("DeploymentHandle[Any]", ingress))
        return RemoteBackend("llasa-serve")

    return make


async def test_another_ingress_is_asked_when_one_dies(backend: Callable[[Ingress], RemoteBackend]) -> None:
    ingress = Ingress(ActorDiedError(), ActorDiedError(), "voices")
    assert await backend(ingress).list_voices() == "voices"  # type: ignore[comparison-overlap]
    assert ingress.asked == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda backend: backend.rename_voice("a", "b"),
        lambda backend: backend.delete_voice("a"),
        lambda backend: backend.clone_voice("a", None, None, "mine", caller="client"),
        lambda backend: backend.add_pronunciations([]),
        lambda backend: backend.remove_pronunciation("pron_0"),
    ],
    ids=["rename", "delete", "clone", "add", "remove"],
)
async def test_what_changes_something_stored_is_not_repeated(
    backend: Callable[[Ingress], RemoteBackend], change: Callable[[RemoteBackend], Any]
) -> None:
    ingress = Ingress(ActorDiedError())
    with pytest.raises(Unavailable, match="check the list"):
        await change(backend(ingress))
    assert ingress.asked == 1


async def test_speech_starts_again_as_long_as_nothing_was_heard(backend: Callable[[Ingress], RemoteBackend]) -> None:
    ingress = Ingress([Progress("speaking"), ActorDiedError()], [AUDIO])
    found = [event async for event in backend(ingress).narrate(SpeechParams(input="Hello."), caller="client")]
    assert found == [Progress("speaking"), AUDIO]


async def test_speech_that_was_heard_ends_with_an_error(backend: Callable[[Ingress], RemoteBackend]) -> None:
    ingress = Ingress([AUDIO, ActorDiedError()])
    with pytest.raises(ReplicaLost, match="The service has stopped"):
        async for _ in backend(ingress).narrate(SpeechParams(input="Hello."), caller="client"):
            pass
    assert ingress.asked == 1


def test_serve_can_stream_what_the_page_asks_for() -> None:
    assert inspect.isasyncgenfunction(SpeechService.narrate)


async def test_an_ingress_that_gave_up_is_not_asked_again(backend: Callable[[Ingress], RemoteBackend]) -> None:
    ingress = Ingress(RayTaskError("ask", "traceback", ReplicaLost("Whisper has stopped.")))
    with pytest.raises(Unavailable, match="Whisper"):
        await backend(ingress).list_voices()
    assert ingress.asked == 1


async def test_a_service_without_any_ingress_is_given_up(backend: Callable[[Ingress], RemoteBackend]) -> None:
    ingress = Ingress(ActorDiedError())
    with pytest.raises(ReplicaLost):
        await backend(ingress).residence()
    assert ingress.asked == ATTEMPTS
