import asyncio
import gc
from collections.abc import Callable

import pytest

from deployments.errors import Unavailable
from deployments.placement.gpu_loader import ProcessMustEnd
from deployments.placement.model_loader import LoadEvent, ModelLoader


class Shelf:
    """Something to load and put away that can be broken and mended."""

    def __init__(self) -> None:
        self.broken: str | None = None
        self.tries = 0
        self.events: list[LoadEvent] = []
        self.moves: list[str] = []

    @property
    def reports(self) -> list[str | None]:
        return [event.failure for event in self.events if event.seconds is not None]

    def load(self) -> str:
        self.tries += 1
        if self.broken:
            raise Unavailable(self.broken)
        return "model"

    def sleep(self, model: str) -> None:
        self.moves.append(f"{model} sleeps")

    def wake(self, model: str) -> None:
        if self.broken:
            raise Unavailable(self.broken)
        self.moves.append(f"{model} wakes")

    def report(self, event: LoadEvent) -> None:
        assert event.seconds is None or event.seconds >= 0
        self.events.append(event)

    def loader(self) -> ModelLoader[str]:
        return ModelLoader(self.load, self.report, sleep=self.sleep, wake=self.wake)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("deployments.placement.model_loader.time.monotonic", lambda: now[0])
    return now


def test_a_model_is_loaded_once() -> None:
    shelf = Shelf()
    loaded = shelf.loader()
    assert (loaded.wake(), loaded.wake(), loaded.peek()) == ("model", "model", "model")
    assert (shelf.tries, shelf.reports) == (1, [None])


def test_a_failure_is_told_to_every_caller_and_not_tried_at_once_again(clock: list[float]) -> None:
    shelf = Shelf()
    shelf.broken = "No such folder."
    loaded = shelf.loader()
    for _ in range(3):
        with pytest.raises(Unavailable, match="No such folder"):
            loaded.wake()
    assert shelf.tries == 1
    assert loaded.peek() is None


def test_what_is_mended_is_loaded_by_the_next_caller(clock: list[float]) -> None:
    shelf = Shelf()
    shelf.broken = "No such folder."
    loaded = shelf.loader()
    shelf.broken = None
    clock[0] += 5
    assert loaded.wake() == "model"
    assert shelf.reports == ["No such folder.", None]


def test_what_nobody_foresaw_is_told_as_a_failure_and_does_not_end_the_process(clock: list[float]) -> None:
    def load() -> str:
        raise KeyError("a tensor")

    shelf = Shelf()
    loaded = ModelLoader(load, shelf.report)
    with pytest.raises(Unavailable, match=r"could not be loaded \(KeyError\)"):
        loaded.wake()
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
    loaded = shelf.loader()
    loaded.check_health()  # Serve asks at once, and takes a failure for one of the start
    clock[0] += 10
    with pytest.raises(Unavailable, match="Out of memory"):
        loaded.wake()
    assert shelf.tries == 1
    clock[0] += 10
    with pytest.raises(Unavailable, match="Out of memory"):
        loaded.check_health()


async def test_a_sleeper_is_woken_by_its_next_user() -> None:
    shelf = Shelf()
    loaded = shelf.loader()
    assert loaded.sleep()
    assert loaded.peek() is None
    async with loaded.use() as model:
        assert model == loaded.peek() == "model"
    assert (shelf.tries, shelf.moves) == (1, ["model sleeps", "model wakes"])
    assert [(event.state, event.woken) for event in shelf.events] == [
        ("ready", False),
        ("asleep", False),
        ("loading", False),
        ("ready", True),
    ]


async def test_a_model_in_use_does_not_sleep() -> None:
    shelf = Shelf()
    loaded = shelf.loader()
    async with loaded.use():
        async with loaded.use():
            assert not loaded.sleep()
        assert not loaded.sleep()
    assert shelf.moves == []
    assert loaded.sleep()
    assert loaded.sleep()
    assert shelf.moves == ["model sleeps"]


async def test_who_comes_while_a_model_falls_asleep_waits_and_wakes_it() -> None:
    shelf, users = Shelf(), list[asyncio.Task[str]]()
    loop = asyncio.get_running_loop()

    async def use() -> str:
        async with loaded.use() as model:
            return model

    def sleep(model: str) -> None:
        async def come() -> None:
            users.extend(asyncio.create_task(use()) for _ in range(3))
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(come(), loop).result()
        shelf.sleep(model)

    loaded = ModelLoader(shelf.load, shelf.report, sleep=sleep, wake=shelf.wake)
    async with asyncio.timeout(10):
        assert await asyncio.to_thread(loaded.sleep)
        assert await asyncio.gather(*users) == ["model"] * 3
    assert shelf.moves == ["model sleeps", "model wakes"]


async def test_a_user_who_leaves_while_the_model_wakes_does_not_keep_it_awake() -> None:
    shelf = Shelf()
    waking, woken = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def wake(model: str) -> None:
        loop.call_soon_threadsafe(waking.set)
        asyncio.run_coroutine_threadsafe(woken.wait(), loop).result(10)

    async def use() -> None:
        async with loaded.use():
            pass

    loaded = ModelLoader(shelf.load, shelf.report, sleep=shelf.sleep, wake=wake)
    loaded.sleep()
    user = asyncio.create_task(use())
    async with asyncio.timeout(10):
        await waking.wait()
        user.cancel()
        with pytest.raises(asyncio.CancelledError):
            await user
        woken.set()
        while not await asyncio.to_thread(loaded.sleep):  # it may come before the wake has ended
            pass


def test_the_host_copy_is_made_while_the_model_can_be_used() -> None:
    shelf, usable = Shelf(), list[str | None]()
    loaded: ModelLoader[str] = ModelLoader(
        shelf.load, shelf.report, prepare=lambda model: usable.append(loaded.peek()), sleep=shelf.sleep
    )
    loaded.sleep()
    assert usable == ["model"]


def test_a_sleeper_that_cannot_wake_sleeps_on_and_tries_again_although_cuda_has_started(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployments.placement.model_loader.cuda_has_started", lambda: True)
    shelf = Shelf()
    loaded = shelf.loader()
    loaded.sleep()
    shelf.broken = "No GPU has room."
    with pytest.raises(Unavailable, match="No GPU has room"):
        loaded.wake()
    assert shelf.events[-1] == LoadEvent("asleep", 0, "No GPU has room.", woken=True)
    clock[0] += 60
    loaded.check_health()  # a new process would find no room either
    shelf.broken = None
    assert loaded.wake() == "model"


def failing(error: Exception) -> Callable[[str], None]:
    def fail(model: str) -> None:
        raise error

    return fail


def test_the_process_of_a_sleeper_whose_gpu_is_taken_ends() -> None:
    shelf, ended = Shelf(), list[bool]()
    loaded = ModelLoader(
        shelf.load,
        shelf.report,
        wake=failing(ProcessMustEnd("GPU-1 has been taken")),
        end=lambda: ended.append(True),
    )
    loaded.sleep()
    with pytest.raises(ProcessMustEnd):
        loaded.wake()
    assert ended == [True]


@pytest.mark.parametrize("way", ["sleep", "wake"])
def test_a_model_that_a_defect_leaves_halfway_is_loaded_anew(clock: list[float], way: str) -> None:
    shelf = Shelf()
    defect = failing(KeyError("a tensor"))
    loaded = ModelLoader(
        shelf.load,
        shelf.report,
        sleep=defect if way == "sleep" else shelf.sleep,
        wake=defect if way == "wake" else shelf.wake,
    )
    if way == "sleep":
        with pytest.raises(KeyError):
            loaded.sleep()
    else:
        loaded.sleep()
        with pytest.raises(Unavailable, match="KeyError"):
            loaded.wake()
    clock[0] += 5
    assert loaded.wake() == "model"
    assert shelf.tries == 2
