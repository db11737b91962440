"""Statuses of models, on details as Serve gives them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, Literal

import pytest

from deployments.residency.records import Load, Observation, Place, Records
from deployments.residency.status import StatusReader
from tests.support.memory_store import MemoryStore

NODE = "10.0.0.1"


@pytest.fixture
def records() -> Records:
    return Records(MemoryStore())


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def replica(state: str = "RUNNING", pid: int | None = None, node: str = NODE, name: str = "r1") -> dict[str, Any]:
    return {"replica_id": name, "state": state, "pid": pid or os.getpid(), "node_ip": node}


def test_a_model_without_replicas_is_unloaded(records: Records) -> None:
    status = StatusReader(records, NODE).status("Llasa", [])
    assert (status.state, status.replicas, status.idle_seconds) == ("unloaded", (), None)


@pytest.mark.parametrize(
    ("states", "state"),
    [
        (["STARTING"], "loading"),
        (["PENDING_MIGRATION", "STOPPING"], "loading"),
        (["STOPPING"], "draining"),
        (["STARTING", "RUNNING", "STOPPING"], "ready"),
    ],
)
def test_the_best_replica_says_how_the_model_is(records: Records, states: list[str], state: str) -> None:
    replicas = [replica(name, name=f"r{i}") for i, name in enumerate(states)]
    assert StatusReader(records, NODE).status("Llasa", replicas).state == state


@pytest.mark.parametrize(
    ("places", "state"),
    [
        (["asleep"], "asleep"),
        (["asleep", "ready"], "ready"),
        (["asleep", "loading"], "loading"),  # it wakes
    ],
)
def test_a_replica_that_runs_may_be_asleep(
    records: Records, places: list[Literal["loading", "ready", "asleep"]], state: str
) -> None:
    for i, place in enumerate(places):
        records.placed(f"r{i}", Place(None, place))
    status = StatusReader(records, NODE).status("Llasa", [replica(name=f"r{i}") for i in range(len(places))])
    assert status.state == state
    assert [one.state for one in status.replicas] == places


def test_a_sleeping_model_is_not_idle(records: Records) -> None:
    records.observe("Llasa", Observation(600, time.time() - 100, 0, ongoing=0, queued=0))
    records.placed("r1", Place(None, "asleep"))
    assert StatusReader(records, NODE).status("Llasa", [replica()]).idle_seconds is None


@pytest.mark.parametrize("order", ["offload_at", "release_at"])
def test_a_model_that_has_been_told_to_leave_is_draining(records: Records, order: str) -> None:
    records.observe("Llasa", Observation(600, time.time(), offloaded=1, ongoing=1, queued=0))
    records.order("Llasa", **{order: 2.0})
    assert StatusReader(records, NODE).status("Llasa", [replica()]).state == "draining"


def test_what_is_on_record_is_told(records: Records) -> None:
    records.observe("Llasa", Observation(600, time.time() - 100, 0, ongoing=2, queued=1))
    records.loaded("Llasa", Load(3.5, None, None, 0.5))
    records.placed("r1", Place("GPU-1"))
    records.order("Llasa", timeout_s=7, pin=True)
    status = StatusReader(records, NODE).status("Llasa", [replica()])
    assert status.idle_seconds is not None
    assert status.idle_seconds >= 100
    assert (status.timeout_seconds, status.pinned, status.ongoing, status.queued) == (7, True, 2, 1)
    assert (status.last_load_seconds, status.last_wake_seconds) == (3.5, 0.5)
    assert status.replicas[0].gpu == "GPU-1"


def test_a_replica_drains_until_its_process_is_gone(records: Records, process: subprocess.Popen[bytes]) -> None:
    reader = StatusReader(records, NODE)
    assert reader.status("Llasa", [replica(pid=process.pid)]).state == "ready"
    assert reader.status("Llasa", []).state == "draining"
    process.kill()
    process.wait()
    assert reader.status("Llasa", []).state == "unloaded"


def test_processes_of_other_nodes_are_not_looked_for(records: Records) -> None:
    reader = StatusReader(records, NODE)
    reader.status("Llasa", [replica(node="10.0.0.2")])
    assert reader.status("Llasa", []).state == "unloaded"
