import fcntl
import os
import signal
from pathlib import Path

import pytest

from deployments.errors import Unavailable
from deployments.placement import lease
from deployments.placement.choice import Claim, Need
from deployments.placement.lease import Leases
from tests.support.fake_nvml import gpu, write_gpus
from tests.support.replica import replicas

NEED = Need(0.8, 20)


@pytest.fixture
def leases(tmp_path: Path) -> Leases:
    return Leases(tmp_path / "leases")


def test_a_lease_is_seen_by_others_until_it_is_released(leases: Leases, tmp_path: Path) -> None:
    taken = leases.take("Llasa", NEED, lambda claims: "GPU-1")
    (seen,) = Leases(tmp_path / "leases").held()
    assert seen == taken.claim
    assert (seen.gpu, seen.model, seen.pid, seen.need) == ("GPU-1", "Llasa", os.getpid(), NEED)
    taken.use(15)
    assert [claim.used for claim in leases.held()] == [15]
    taken.use(7)
    assert [claim.used for claim in leases.held()] == [7]
    taken.release()
    taken.release()
    assert leases.held() == []


def test_a_lease_says_that_its_model_sleeps_until_it_wakes(leases: Leases) -> None:
    taken = leases.take("Llasa", NEED, lambda claims: "GPU-1")
    other = leases.take("XCodec2", NEED, lambda claims: "GPU-1")
    taken.use(15)
    taken.use(1, asleep=True)
    assert [(claim.used, claim.asleep) for claim in leases.held()] == [(1, True), (0, False)]
    told: list[Claim] = []
    assert not taken.wake(lambda claims: told.extend(claims) or False)  # type: ignore[func-returns-value]
    assert told == [other.claim]
    assert leases.held()[0].asleep
    assert taken.wake(lambda claims: True)
    assert not leases.held()[0].asleep
    taken.release()
    other.release()


def test_who_picks_is_told_of_every_lease_the_oldest_first(leases: Leases) -> None:
    told: list[list[str]] = []

    def pick(claims: list[Claim]) -> str:
        told.append([claim.model for claim in claims])
        return "GPU-0"

    for number in range(3):
        leases.take(f"model {number}", NEED, pick)
    assert told == [[], ["model 0"], ["model 0", "model 1"]]


def test_a_pick_that_fails_leaves_nothing_behind(leases: Leases, tmp_path: Path) -> None:
    def fail(claims: object) -> str:
        raise Unavailable("No room.")

    with pytest.raises(Unavailable, match="No room"):
        leases.take("Llasa", NEED, fail)
    assert leases.held() == []
    assert os.listdir(tmp_path / "leases") == ["mutex"]


def test_the_lease_of_a_killed_holder_is_free_at_once(leases: Leases, tmp_path: Path) -> None:
    write_gpus(tmp_path / "gpus.json", [gpu(0, 24), gpu(1, 3)])
    with replicas(tmp_path, {"fraction": 1.0, "gib": 20}, {"fraction": 1.0, "gib": 20}) as (first, second):
        assert first.ask("place") == gpu(0, 24).uuid
        assert "no GPU has room" in second.ask("place")["unavailable"]
        first.kill()
        assert leases.held() == []
        assert second.ask("place") == gpu(0, 24).uuid


@pytest.mark.parametrize("way", ["fork", "exec"])
def test_a_child_that_outlives_the_holder_does_not_keep_its_lease(leases: Leases, tmp_path: Path, way: str) -> None:
    write_gpus(tmp_path / "gpus.json", [gpu(0, 24), gpu(1, 24)])
    with replicas(tmp_path, {"gib": 20}) as (holder,):
        holder.ask("place")
        child = holder.ask(way)
        try:
            assert len(leases.held()) == 1
            holder.kill()
            assert leases.held() == []
            os.kill(child, 0)  # it lives
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_forked_child_cannot_release_what_its_parent_holds(leases: Leases) -> None:
    taken = leases.take("Llasa", NEED, lambda claims: "GPU-0")
    child = os.fork()
    if not child:
        taken.release()
        os._exit(0)
    os.waitpid(child, 0)
    assert len(leases.held()) == 1
    taken.release()


def test_a_refusal_is_of_one_model_on_one_gpu_for_a_while(leases: Leases) -> None:
    leases.refuse("me/Llasa", "GPU-1")
    assert leases.refused("me/Llasa", 60) == {"GPU-1"}
    assert leases.refused("me/Llasa", 0) == set()
    assert leases.refused("XCodec2", 60) == set()
    leases.accept("me/Llasa", "GPU-1")
    leases.accept("me/Llasa", "GPU-1")
    assert leases.refused("me/Llasa", 60) == set()


def test_the_folder_is_made_for_its_owner_alone(leases: Leases, tmp_path: Path) -> None:
    leases.held()
    assert (tmp_path / "leases").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_planted_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link, shared, foreign = tmp_path / "link", tmp_path / "shared", tmp_path / "foreign"
    link.symlink_to(tmp_path)
    shared.mkdir()
    shared.chmod(0o777)
    foreign.mkdir(mode=0o700)
    with pytest.raises(Unavailable, match="cannot be used"):
        Leases(link).held()
    with pytest.raises(Unavailable, match="others may write to it"):
        Leases(shared).held()
    monkeypatch.setattr(os, "geteuid", lambda: foreign.stat().st_uid + 1)
    with pytest.raises(Unavailable, match="belongs to another user"):
        Leases(foreign).take("Llasa", NEED, lambda claims: "GPU-0")


def test_a_process_that_hangs_while_choosing_is_not_waited_for_without_end(
    leases: Leases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases.held()
    monkeypatch.setattr(lease, "_WAIT_S", 0.0)
    with (tmp_path / "leases" / "mutex").open() as mutex:
        fcntl.flock(mutex, fcntl.LOCK_EX)
        with pytest.raises(Unavailable, match="Another process"):
            leases.held()
