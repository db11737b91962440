import pytest

from deployments.errors import Unavailable
from deployments.residency import follower
from deployments.residency.decision import Wish
from deployments.residency.follower import Follower


class Model:
    """Something that sleeps unless it is in use."""

    def __init__(self) -> None:
        self.in_use = False
        self.moves: list[str] = []
        self.failure: Exception | None = None

    def sleep(self) -> bool:
        if not self.in_use:
            self.moves.append("sleeps")
        return not self.in_use

    def wake(self) -> None:
        self.moves.append("wakes")
        if self.failure:
            raise self.failure


class Wishes:
    """The latest wish."""

    def __init__(self) -> None:
        self.latest = Wish(5, asleep=True)

    def __call__(self) -> Wish:
        return self.latest


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def wishes() -> Wishes:
    return Wishes()


@pytest.fixture
def looking(model: Model, wishes: Wishes) -> Follower:
    follower = Follower(model, wishes)
    follower.look()
    return follower


def test_a_wish_from_before_is_not_followed(model: Model, looking: Follower) -> None:
    looking.look()
    assert model.moves == []


def test_each_wish_is_followed_once(model: Model, wishes: Wishes, looking: Follower) -> None:
    for wish in (Wish(6, asleep=True), Wish(7, asleep=True), Wish(8), Wish(9, asleep=True)):
        wishes.latest = wish
        looking.look()
        looking.look()
    assert model.moves == ["sleeps", "sleeps", "wakes", "sleeps"]


def test_a_wish_to_sleep_is_followed_when_nobody_uses_the_model(
    model: Model, wishes: Wishes, looking: Follower
) -> None:
    model.in_use = True
    wishes.latest = Wish(6, asleep=True)
    looking.look()
    assert model.moves == []
    model.in_use = False
    looking.look()
    assert model.moves == ["sleeps"]


def test_a_wish_that_is_taken_back_is_not_followed(model: Model, wishes: Wishes, looking: Follower) -> None:
    model.in_use = True
    wishes.latest = Wish(6, asleep=True)
    looking.look()
    wishes.latest = Wish(7)
    looking.look()
    model.in_use = False
    looking.look()
    assert model.moves == ["wakes"]


def test_a_model_that_cannot_wake_is_not_tried_again_by_the_same_wish(
    model: Model, wishes: Wishes, looking: Follower
) -> None:
    model.failure = Unavailable("No GPU has room.")
    wishes.latest = Wish(6)
    looking.look()
    looking.look()
    assert model.moves == ["wakes"]


def test_the_thread_outlives_a_defect(
    model: Model, wishes: Wishes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(follower, "_LOOK_S", 0.001)
    follows = Follower(model, wishes)
    follows.look()
    model.failure = ValueError("a defect")
    wishes.latest = Wish(6)
    follows.start()
    try:
        for _ in range(10_000):
            if len(model.moves) > 1:
                break
            follows._closed.wait(0.001)
    finally:
        follows.close()
    assert len(model.moves) > 1
    assert "could not be followed" in caplog.text
