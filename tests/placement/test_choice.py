from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.placement.choice import Claim, Need, candidates, describe, promised, room, taken, usable
from deployments.placement.devices import Gpu, GpuProcess
from tests.support.fake_nvml import GIB, gpu

GPUS = [gpu(0, 10), gpu(1, 20), gpu(2, 15), gpu(3, 20)]
ALL = {gpu.uuid for gpu in GPUS}


def claim(
    on: Gpu, gib: float | None, fraction: float | None = None, pid: int = 1, used: float = 0, *, asleep: bool = False
) -> Claim:
    need = Need(fraction, None if gib is None else int(gib * GIB))
    return Claim(on.uuid, "Llasa", pid, 0.0, need, int(used * GIB), asleep)


def order(
    claims: list[Claim], need: Need, visible: set[str] = ALL, gpus: list[Gpu] = GPUS, **last: set[str]
) -> list[int]:
    return [gpu.index for gpu in candidates(gpus, claims, need, visible, **last)]


def test_the_most_free_memory_comes_first_and_ties_go_by_pci_order() -> None:
    assert order([], Need()) == [1, 3, 2, 0]


def test_what_is_leased_and_not_used_yet_counts_as_used() -> None:
    assert order([claim(GPUS[1], 12)], Need()) == [3, 2, 0, 1]


def test_what_a_lease_uses_already_does_not_count_twice() -> None:
    busy = gpu(1, 4, processes=[(77, 16)])
    assert promised(busy, [claim(busy, 18, pid=77)]) == 2 * GIB
    assert promised(busy, [claim(busy, 12, pid=77)]) == 0
    # in a container NVML counts processes as the host does, so the holder's own word goes
    assert promised(busy, [claim(busy, 18, pid=5, used=16)]) == 2 * GIB
    assert promised(busy, [claim(busy, 10, pid=77), claim(busy, 8, pid=77)]) == 2 * GIB


def test_what_other_programs_have_is_not_there_to_plan_with() -> None:
    shared = gpu(1, 12, processes=[(77, 4), (5_000, 8)])
    assert usable(shared, [claim(shared, 5, pid=77, used=4), claim(GPUS[0], 9, used=9)]) == 16 * GIB


def test_a_lease_without_bytes_is_its_fraction_of_the_gpu() -> None:
    assert promised(GPUS[0], [claim(GPUS[0], None, 0.5)]) == 12 * GIB
    assert promised(GPUS[0], [claim(GPUS[0], None)]) == 0
    unknown = replace(GPUS[0], processes=(GpuProcess(1, None),))
    assert promised(unknown, [claim(unknown, 3)]) == 3 * GIB


def test_two_share_a_gpu_with_room_for_both_and_not_one_without() -> None:
    one = [gpu(0, 24)]
    codec = claim(one[0], 3, 0.2)
    assert order([codec], Need(0.8, 20 * GIB), gpus=one) == [0]
    assert order([codec], Need(0.8, 22 * GIB), gpus=one) == []
    assert order([codec], Need(1.0, 20 * GIB), gpus=one) == []
    assert order([claim(one[0], 1, 0.1, pid) for pid in range(9)], Need(0.1, GIB), gpus=one) == [0]


def test_a_mig_gpu_is_left_to_ray() -> None:
    assert order([], Need(), gpus=[gpu(0, 10, mig=True), GPUS[1]]) == [1]


def test_where_memory_ran_out_before_comes_last() -> None:
    assert order([], Need(), last={GPUS[1].uuid, GPUS[3].uuid}) == [2, 0, 1, 3]


def test_the_gpu_of_a_sleeper_is_taken_only_where_no_other_has_room() -> None:
    sleeper = claim(GPUS[1], 18, 1.0, used=0.5, asleep=True)
    assert order([sleeper], Need(0.2, 4 * GIB)) == [3, 2, 0, 1]
    assert order([sleeper], Need(0.2, 18 * GIB)) == [3, 1]
    assert order([sleeper, claim(GPUS[3], 18, 1.0)], Need(1.0, 18 * GIB)) == [1]
    assert order([replace(sleeper, asleep=False)], Need(0.2, 4 * GIB)) == [3, 2, 0]


def test_a_sleeper_and_another_replica_share_a_gpu_with_room_for_both() -> None:
    assert order([claim(GPUS[1], 8, 0.5, asleep=True)], Need(0.2, 11 * GIB)) == [3, 2, 1]


def test_a_sleeper_is_described_as_such() -> None:
    assert describe(GPUS[0], [claim(GPUS[0], 3, used=0.5, asleep=True)]).endswith("leased by Llasa (3.0 GiB, asleep)")


def test_a_gpu_is_described_with_all_that_is_on_it() -> None:
    text = describe(GPUS[0], [claim(GPUS[0], 3, 0.2), claim(GPUS[1], 9, 1)])
    assert text == (
        "GPU 0 (Fake L4) has 10.0 of 24.0 GiB free, 3.0 GiB of it promised, leased by Llasa (3.0 GiB and 0.2 of a GPU)"
    )


@pytest.mark.parametrize(
    ("need", "text"), [(Need(), "a GPU"), (Need(0.5), "0.5 of a GPU"), (Need(None, 3 * GIB), "3.0 GiB")]
)
def test_a_need_says_what_is_known_of_it(need: Need, text: str) -> None:
    assert str(need) == text


nodes = st.lists(
    st.builds(
        lambda total, free, mig, processes: (total, min(free, total), mig, processes),
        st.integers(1, 80),
        st.integers(0, 80),
        st.booleans(),
        st.lists(st.tuples(st.integers(1, 5), st.integers(0, 20)), max_size=3, unique_by=lambda one: one[0]),
    ),
    max_size=5,
).map(lambda drawn: [gpu(i, free, total, mig=mig, processes=ps) for i, (total, free, mig, ps) in enumerate(drawn)])
fractions = st.none() | st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.8, 1.0])
sizes = st.none() | st.integers(0, 40)


@given(data=st.data(), gpus=nodes, fraction=fractions, size=sizes)
def test_a_candidate_is_visible_whole_has_room_and_is_in_order(
    data: st.DataObject, gpus: list[Gpu], fraction: float | None, size: int | None
) -> None:
    need = Need(fraction, None if size is None else size * GIB)
    shown = data.draw(st.sets(st.sampled_from(gpus).map(lambda gpu: gpu.uuid))) if gpus else set()
    claims = (
        data.draw(
            st.lists(st.builds(claim, st.sampled_from(gpus), sizes, fractions, st.integers(1, 5), st.integers(0, 9)))
        )
        if gpus
        else []
    )
    found = candidates(gpus, claims, need, shown)
    for one in found:
        assert one.uuid in shown
        assert not one.mig
        assert fraction is None or taken(one, claims) + fraction <= 1.000001
        assert need.bytes is None or room(one, claims) >= need.bytes
    rooms = [(-room(one, claims), one.index) for one in found]
    assert rooms == sorted(rooms)


@given(gpus=nodes, needs=st.lists(st.tuples(fractions, sizes), max_size=12))
def test_replicas_that_come_one_after_another_never_fill_a_gpu_beyond_what_it_has(
    gpus: list[Gpu], needs: list[tuple[float | None, int | None]]
) -> None:
    claims: list[Claim] = []
    for number, (fraction, size) in enumerate(needs):
        need = Need(fraction, (size or 0) * GIB)
        found = candidates(gpus, claims, need, {gpu.uuid for gpu in gpus})
        if found:
            claims.append(Claim(found[0].uuid, "Llasa", 100 + number, 0.0, need))
    for one in gpus:
        assert taken(one, claims) <= 1.000001
        assert room(one, claims) >= 0
