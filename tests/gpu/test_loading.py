import pytest

from deployments.errors import Unavailable
from deployments.gpu.loading import Loaded


class Shelf:
    """Something to load that can be broken and mended."""

    def __init__(self) -> None:
        self.broken: str | None = None
        self.tries = 0
        self.reports: list[str | None] = []

    def load(self) -> str:
        self.tries += 1
        if self.broken:
            raise Unavailable(self.broken)
        return "model"

    def report(self, seconds: float, failure: str | None) -> None:
        assert seconds >= 0
        self.reports.append(failure)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("deployments.gpu.loading.time.monotonic", lambda: now[0])
    return now


def test_a_model_is_loaded_once() -> None:
    shelf = Shelf()
    loaded = Loaded(shelf.load, shelf.report)
    assert (loaded.get(), loaded.get(), loaded.peek()) == ("model", "model", "model")
    assert (shelf.tries, shelf.reports) == (1, [None])


def test_a_failure_is_told_to_every_caller_and_not_tried_at_once_again(clock: list[float]) -> None:
    shelf = Shelf()
    shelf.broken = "No such folder."
    loaded = Loaded(shelf.load, shelf.report)
    for _ in range(3):
        with pytest.raises(Unavailable, match="No such folder"):
            loaded.get()
    assert shelf.tries == 1
    assert loaded.peek() is None


def test_what_is_mended_is_loaded_by_the_next_caller(clock: list[float]) -> None:
    shelf = Shelf()
    shelf.broken = "No such folder."
    loaded = Loaded(shelf.load, shelf.report)
    shelf.broken = None
    clock[0] += 5
    assert loaded.get() == "model"
    assert shelf.reports == ["No such folder.", None]
