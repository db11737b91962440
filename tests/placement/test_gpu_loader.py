from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from deployments.errors import Unavailable
from deployments.placement.devices import Gpu
from deployments.placement.gpu_loader import ProcessMustEnd, load_onto_gpu, sleep_on_gpu, wake_on_gpu
from deployments.placement.lease import Leases
from deployments.placement.placement import Placement
from tests.support.fake_nvml import GIB, FileReader, gpu, write_gpus


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    write_gpus(tmp_path / "gpus", [gpu(0, 10), gpu(1, 20), gpu(2, 15)])
    return tmp_path


class Card:
    """A model that runs out of memory on some GPUs."""

    def __init__(self, *too_small: int) -> None:
        self.too_small = too_small
        self.tried: list[int | None] = []

    def load(self, chosen: Gpu | None) -> str:
        index = chosen.index if chosen else None
        self.tried.append(index)
        if index in self.too_small:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return f"on {index}"


def load(folder: Path, card: Card) -> str:
    reader = FileReader(folder / "gpus")
    made, placement = load_onto_gpu("Llasa", 1.0, 5 * GIB, card.load, reader, lease_dir=folder / "leases")
    placement.release()
    return made


def test_a_model_is_loaded_where_there_is_most_room_and_leased_there(folder: Path) -> None:
    card = Card()
    reader = FileReader(folder / "gpus")
    made, placement = load_onto_gpu("Llasa", 1.0, 5 * GIB, card.load, reader, lease_dir=folder / "leases")
    assert (made, card.tried) == ("on 1", [1])
    assert [claim.model for claim in Leases(folder / "leases").held()] == ["Llasa"]
    placement.release()


def test_out_of_memory_leads_to_the_next_best_gpu(folder: Path) -> None:
    card = Card(1)
    assert load(folder, card) == "on 2"
    assert card.tried == [1, 2]


def test_out_of_memory_everywhere_is_a_clear_failure_that_leaves_no_lease(folder: Path) -> None:
    card = Card(0, 1, 2)
    with pytest.raises(Unavailable, match="no GPU has room"):
        load(folder, card)
    assert card.tried == [1, 2, 0]
    assert Leases(folder / "leases").held() == []


def test_where_cuda_has_started_the_process_must_end_and_the_next_tries_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = Card(1)

    def load_and_start_cuda(chosen: Gpu | None) -> str:
        monkeypatch.setattr("torch.cuda.is_initialized", lambda: True)
        return card.load(chosen)

    with pytest.raises(ProcessMustEnd, match="its process must end"):
        load_onto_gpu(
            "Llasa", 1.0, 5 * GIB, load_and_start_cuda, FileReader(folder / "gpus"), lease_dir=folder / "leases"
        )
    monkeypatch.undo()
    assert load(folder, card) == "on 2"
    assert card.tried == [1, 2]


def test_another_failure_leaves_no_lease(folder: Path) -> None:
    def fail(chosen: Gpu | None) -> str:
        raise Unavailable("a tensor is missing")

    with pytest.raises(Unavailable, match="a tensor is missing"):
        load_onto_gpu("Llasa", 1.0, 5 * GIB, fail, FileReader(folder / "gpus"), lease_dir=folder / "leases")
    assert Leases(folder / "leases").held() == []


def test_without_gpus_in_sight_the_choice_is_rays(folder: Path) -> None:
    card = Card()
    made, placement = load_onto_gpu("Llasa", 1.0, None, card.load, FileReader(folder / "none"), assigned=["3"])
    assert (made, placement.uuid) == ("on None", None)
    placement.release()


@pytest.fixture
def sleeper(folder: Path) -> Iterator[Placement]:
    """The placement of a model that sleeps, on GPU 1."""
    _, placement = load_onto_gpu(
        "Llasa", 1.0, 5 * GIB, Card().load, FileReader(folder / "gpus"), lease_dir=folder / "leases"
    )
    sleep_on_gpu(placement)
    yield placement
    placement.release()


def asleep(folder: Path) -> list[bool]:
    return [claim.asleep for claim in Leases(folder / "leases").held()]


def test_a_sleeper_wakes_on_its_gpu(folder: Path, sleeper: Placement) -> None:
    assert asleep(folder) == [True]
    assert wake_on_gpu(sleeper, Card().load, FileReader(folder / "gpus")) == "on 1"
    assert asleep(folder) == [False]


def test_the_process_of_a_sleeper_ends_where_its_gpu_is_taken_and_another_is_free(
    folder: Path, sleeper: Placement
) -> None:
    write_gpus(folder / "gpus", [gpu(0, 10), gpu(1, 2), gpu(2, 15)])
    card = Card()
    with pytest.raises(ProcessMustEnd, match="has been taken"):
        wake_on_gpu(sleeper, card.load, FileReader(folder / "gpus"))
    assert card.tried == []


def test_the_process_of_a_sleeper_ends_where_memory_does_not_suffice_after_all(
    folder: Path, sleeper: Placement
) -> None:
    with pytest.raises(ProcessMustEnd, match="no memory"):
        wake_on_gpu(sleeper, Card(1).load, FileReader(folder / "gpus"))


def test_a_sleeper_that_fails_to_wake_claims_nothing(folder: Path, sleeper: Placement) -> None:
    def fail(chosen: Gpu | None) -> None:
        raise Unavailable("a tensor is missing")

    with pytest.raises(Unavailable, match="a tensor is missing"):
        wake_on_gpu(sleeper, fail, FileReader(folder / "gpus"))
    assert asleep(folder) == [True]


def test_on_a_cpu_a_model_sleeps_and_wakes_without_leases(folder: Path) -> None:
    sleep_on_gpu(None)
    assert wake_on_gpu(None, Card().load, FileReader(folder / "gpus")) == "on None"
    assert asleep(folder) == []
