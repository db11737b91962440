import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deployments.errors import Unavailable
from deployments.placement.devices import Gpu
from deployments.placement.lease import Leases
from deployments.placement.placement import Placement, place
from tests.support.fake_nvml import GIB, FileReader, gpu, write_gpus
from tests.support.replica import replicas

FOUR = [gpu(index, free) for index, free in enumerate((12, 23, 18, 9))]


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Placement]:
    """Places a replica of this process on the GPUs given."""

    def start(
        gpus: Sequence[Gpu], environment: dict[str, str], gib: float = 8, fraction: float | None = None, **options: Any
    ) -> Placement:
        write_gpus(tmp_path / "gpus.json", gpus)
        reader = FileReader(tmp_path / "gpus.json")
        return place("Llasa", fraction, int(gib * GIB), reader, environment, tmp_path / "leases", **options)

    return start


@pytest.fixture
def leases(tmp_path: Path) -> Leases:
    return Leases(tmp_path / "leases")


def test_cuda_is_shown_the_chosen_gpu_alone_until_it_is_released(start: Callable[..., Placement]) -> None:
    environment = {"CUDA_VISIBLE_DEVICES": "0,2"}
    with start(FOUR, environment) as placement:
        assert (placement.uuid, placement.chosen) == (FOUR[2].uuid, True)
        assert environment == {"CUDA_VISIBLE_DEVICES": FOUR[2].uuid, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert environment == {"CUDA_VISIBLE_DEVICES": "0,2"}
    assert placement.uuid is None


def test_out_of_memory_leads_to_the_next_best_and_at_last_to_the_reason(
    start: Callable[..., Placement], leases: Leases
) -> None:
    environment: dict[str, str] = {}
    placement = start(FOUR, environment, 10, 1.0)
    went = [placement.uuid]
    for _ in range(2):
        placement.next()
        went.append(environment["CUDA_VISIBLE_DEVICES"])
        assert [claim.gpu for claim in leases.held()] == [went[-1]]
    assert went == [FOUR[1].uuid, FOUR[2].uuid, FOUR[0].uuid]
    with pytest.raises(Unavailable) as caught:
        placement.next()
    assert str(caught.value) == (
        "Llasa needs 10.0 GiB and 1 of a GPU, and no GPU has room. "
        "GPU 0 (Fake L4) has 12.0 of 24.0 GiB free, and ran out when tried; "
        "GPU 1 (Fake L4) has 23.0 of 24.0 GiB free, and ran out when tried; "
        "GPU 2 (Fake L4) has 18.0 of 24.0 GiB free, and ran out when tried; "
        "GPU 3 (Fake L4) has 9.0 of 24.0 GiB free."
    )
    assert leases.held() == []
    assert environment == {}


def test_once_cuda_has_started_the_next_process_goes_elsewhere(
    start: Callable[..., Placement], monkeypatch: pytest.MonkeyPatch
) -> None:
    placement = start(FOUR, {})
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(is_initialized=lambda: True)))
        with pytest.raises(Unavailable, match="its process must end"):
            placement.next()
        with pytest.raises(RuntimeError, match="CUDA has started"):
            start(FOUR, {})
    second = start(FOUR, {})
    assert second.uuid == FOUR[2].uuid
    second.release()
    only = start(FOUR[:2], {}, gib=20)  # nothing else has room: it is tried again
    assert only.uuid == FOUR[1].uuid
    only.loaded(19 * GIB)
    only.release()
    assert start(FOUR, {}).uuid == FOUR[1].uuid


def test_without_nvml_the_assignment_of_ray_stands(start: Callable[..., Placement], leases: Leases) -> None:
    environment = {"CUDA_VISIBLE_DEVICES": "2,3"}
    placement = start([], environment)
    assert (placement.uuid, placement.chosen, environment) == (None, False, {"CUDA_VISIBLE_DEVICES": "2,3"})
    assert leases.held() == []
    start([], environment, assigned=["3"])
    assert environment == {"CUDA_VISIBLE_DEVICES": "3"}


def test_the_only_visible_gpu_is_leased_and_the_rest_is_left_to_ray(
    start: Callable[..., Placement], leases: Leases
) -> None:
    environment = {"CUDA_VISIBLE_DEVICES": "3"}
    placement = start(FOUR, environment, gib=20)  # more than it has: Ray put us here
    assert (placement.uuid, placement.chosen) == (FOUR[3].uuid, False)
    assert environment["CUDA_VISIBLE_DEVICES"] == "3"
    assert [claim.gpu for claim in leases.held()] == [FOUR[3].uuid]
    with pytest.raises(Unavailable, match="the one GPU it may use"):
        placement.next()
    assert leases.held() == []


def test_gpus_cut_by_mig_are_left_to_ray(start: Callable[..., Placement], leases: Leases) -> None:
    cut = [gpu(0, 12, mig=True), gpu(1, 20, mig=True)]
    assert start(cut, {}).uuid is None
    assert start(cut[:1], {}).uuid is None
    assert start([cut[0], FOUR[1]], {"CUDA_VISIBLE_DEVICES": "MIG-12"}).uuid is None
    assert leases.held() == []
    assert start([cut[1], FOUR[0]], {}).uuid == FOUR[0].uuid


def test_a_bound_that_allows_no_gpu_is_told(start: Callable[..., Placement]) -> None:
    with pytest.raises(Unavailable, match=r"CUDA_VISIBLE_DEVICES .* allows none of the 4 GPUs"):
        start(FOUR, {"CUDA_VISIBLE_DEVICES": ""})


def test_replicas_choose_as_the_loads_say(tmp_path: Path) -> None:
    went = []
    for loads in ((3, 9, 20, 8), (22, 9, 20, 8), (2, 9, 1, 21)):
        gpus = [gpu(index, free) for index, free in enumerate(loads)]
        write_gpus(tmp_path / "gpus.json", gpus)
        with replicas(tmp_path, {"gib": 5, "fraction": 1.0}) as (replica,):
            shown = replica.ask("place")
        went.append([one.uuid for one in gpus].index(shown))
    assert went == [2, 0, 3]


def test_replicas_that_start_together_share_a_gpu_only_if_it_has_room_for_all(tmp_path: Path) -> None:
    write_gpus(tmp_path / "gpus.json", [gpu(0, 24), gpu(1, 23), gpu(2, 5)])
    for need, different in (({"gib": 13}, 2), ({"gib": 1, "fraction": 0.6}, 2), ({"gib": 5, "fraction": 0.5}, None)):
        with replicas(tmp_path, need, need) as both:
            for _ in range(10):
                for replica in both:
                    replica.order("place")
                shown = [replica.answer() for replica in both]
                assert {type(one) for one in shown} == {str}
                assert different is None or len(set(shown)) == different
                assert gpu(2, 5).uuid not in shown
                for replica in both:
                    replica.ask("release")


def test_more_replicas_than_there_is_room_for_are_refused_whoever_comes_last(tmp_path: Path) -> None:
    write_gpus(tmp_path / "gpus.json", [gpu(0, 24), gpu(1, 3)])
    with replicas(tmp_path, *[{"gib": 10}] * 3) as three:
        for replica in three:
            replica.order("place")
        answers = [replica.answer() for replica in three]
    refused = [answer["unavailable"] for answer in answers if isinstance(answer, dict)]
    assert len(refused) == 1
    assert "20.0 GiB of it promised, leased by Llasa (10.0 GiB), Llasa (10.0 GiB)" in refused[0]


def test_llasa_and_xcodec2_share_a_gpu_once_each_has_told_what_it_uses(
    start: Callable[..., Placement], leases: Leases
) -> None:
    # In a container NVML shows the host's pid, so only our own word keeps 16 GiB from counting twice.
    llasa = start([gpu(0, 23), gpu(1, 1)], {}, 18, 0.8)
    llasa.loaded(16 * GIB)
    codec = start([gpu(0, 7, processes=[(4_000_000, 16)]), gpu(1, 1)], {}, 4, 0.2)
    assert codec.uuid == llasa.uuid
    assert len(leases.held()) == 2


def test_a_sleeper_yields_to_others_and_wakes_where_it_has_room(
    start: Callable[..., Placement], leases: Leases, tmp_path: Path
) -> None:
    placement = start(FOUR, {}, 20, 1.0)
    placement.loaded(20 * GIB)
    write_gpus(tmp_path / "gpus.json", [FOUR[0], gpu(1, 22.5), FOUR[2], FOUR[3]])
    placement.sleep(GIB // 2)
    (claim,) = leases.held()
    assert (claim.asleep, claim.used, claim.gpu) == (True, GIB // 2, FOUR[1].uuid)
    assert placement.wake()
    assert [claim.asleep for claim in leases.held()] == [False]
    placement.release()


def test_the_context_that_a_sleeper_keeps_is_not_needed_twice(start: Callable[..., Placement], tmp_path: Path) -> None:
    placement = start([gpu(0, 20), gpu(1, 3)], {}, 20)
    placement.sleep(GIB // 2)
    write_gpus(tmp_path / "gpus.json", [gpu(0, 19.5), gpu(1, 3)])
    assert placement.wake()
    placement.release()


@pytest.mark.parametrize("taker", ["program", "replica"])
def test_a_sleeper_whose_gpu_is_taken_goes_where_there_is_room_and_stays_asleep_where_there_is_none(
    start: Callable[..., Placement], leases: Leases, tmp_path: Path, taker: str
) -> None:
    file = tmp_path / "gpus.json"
    placement = start([gpu(0, 24), gpu(1, 10)], {}, 20, 1.0)
    placement.sleep(GIB // 2)
    if taker == "program":
        write_gpus(file, [gpu(0, 15), gpu(1, 10)])
    else:
        other = place("Other", 0.5, 16 * GIB, FileReader(file), {}, tmp_path / "leases")
        assert other.uuid == placement.uuid
    with pytest.raises(Unavailable, match=r"Llasa needs 20.0 GiB and 1 of a GPU, and no GPU has room"):
        placement.wake()
    assert [claim.asleep for claim in leases.held()] == [True] + [False] * (taker == "replica")
    free = 15 if taker == "program" else 24
    write_gpus(file, [gpu(0, free), gpu(1, 22)])
    assert not placement.wake()
    assert leases.held()[0].asleep
    placement.release()


def test_a_sleeper_whose_gpu_only_ray_knows_wakes_there(start: Callable[..., Placement]) -> None:
    placement = start([], {}, assigned=["3"])
    placement.sleep(GIB)
    assert placement.wake()
