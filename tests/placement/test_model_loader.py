import gc

import pytest

from deployments.errors import Unavailable
from deployments.placement.gpu_loader import ProcessMustEnd
from deployments.placement.model_loader import ModelLoader


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
    monkeypatch.setattr("deployments.placement.model_loader.time.monotonic", lambda: now[0])
    return now


def test_a_model_is_loaded_once() -> None:
    shelf = Shelf()
    loaded = ModelLoader(shelf.load, shelf.report)
    assert (loaded.get(), loaded.get(), loaded.peek()) == ("model", "model", "model")
    assert (shelf.tries, shelf.reports) == (1, [None])


def test_a_failure_is_told_to_every_caller_and_not_tried_at_once_again(clock: list[float]) -> None:
    shelf = Shelf()
    shelf.broken = "No such folder."
    loaded = ModelLoader(shelf.load, shelf.report)
    for _ in range(3):
        with pytest.raises(Unavailable, match="No such folder"):
            loaded.get()
    assert shelf.tries == 1
    assert loaded.peek() is None


def test_what_is_mended_is_loaded_by_the_next_caller(clock: list[float]) -> None:
    shelf = Shelf()
    shelf.broken = "No such folder."
    loaded = ModelLoader(shelf.load, shelf.report)
    shelf.broken = None
    clock[0] += 5
    assert loaded.get() == "model"
    assert shelf.reports == ["No such folder.", None]


def test_what_nobody_foresaw_is_told_as_a_failure_and_does_not_end_the_process(clock: list[float]) -> None:
    def load() -> str:
        raise KeyError("a tensor")

    shelf = Shelf()
    loaded = ModelLoader(load, shelf.report)
    with pytest.raises(Unavailable, match=r"could not be loaded \(KeyError\)"):
        loaded.get()
    assert shelf.reports == ["The model could not be loaded (KeyError): the log says why."]


@pytest.mark.parametrize("error", [None, Unavailable("No such folder."), KeyError("a tensor")], ids=repr)
def test_garbage_is_not_looked_for_while_a_model_loads_and_is_again_afterwards(error: Exception | None) -> None:
    collecting: list[bool] = []

    def load() -> str:
        collecting.append(gc.isenabled())
        if error:
            raise error
        return "model"

    ModelLoader(load, Shelf().report)
    assert collecting == [False]
    assert gc.isenabled()


def test_a_process_that_must_end_ends() -> None:
    def load() -> str:
        raise ProcessMustEnd("out of memory on GPU-1")

    with pytest.raises(ProcessMustEnd):
        ModelLoader(load, Shelf().report)


def test_where_cuda_has_started_callers_are_told_for_a_while_before_another_process_tries(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployments.placement.model_loader.cuda_has_started", lambda: True)
    shelf = Shelf()
    shelf.broken = "Out of memory."
    loaded = ModelLoader(shelf.load, shelf.report)
    loaded.check_health()  # Serve asks at once, and takes a failure for one of the start
    clock[0] += 10
    with pytest.raises(Unavailable, match="Out of memory"):
        loaded.get()
    assert shelf.tries == 1
    clock[0] += 10
    with pytest.raises(Unavailable, match="Out of memory"):
        loaded.check_health()
