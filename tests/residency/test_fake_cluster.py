"""Replicas and fake GPUs on a real Ray of two nodes; `fake_cluster` does it, and tells what happened."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("gpus")
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.support.gpu_cluster", str(folder)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if "VISIBLE_DEVICES" not in name},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    told: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return told


def test_each_start_takes_the_gpu_that_is_least_loaded_then(found: dict[str, Any]) -> None:
    assert found["least loaded"] == [2, 0, 3]


def test_two_that_start_together_take_two_gpus(found: dict[str, Any]) -> None:
    assert found["together"] == [1, 2]


def test_a_sleeper_keeps_its_process_and_gpu_until_another_program_takes_it(found: dict[str, Any]) -> None:
    sleeper = found["sleeper"]
    assert sleeper["asleep"] == [[[1, True]]] * 2
    assert sleeper["gpus"] == [1, 1, 2]
    first, second, third = sleeper["pids"]
    assert first == second != third


def test_xcodec2_and_llasa_share_one_gpu(found: dict[str, Any]) -> None:
    assert found["one GPU"] == [0, 0]


def test_xcodec2_and_llasa_take_one_each_where_there_are_two(found: dict[str, Any]) -> None:
    assert found["two GPUs"] == [0, 1]


def test_the_status_covers_both_nodes(found: dict[str, Any]) -> None:
    assert len(found["status"]) == 4
    assert {name for _, name in found["status"]} == {"Fake L4"}
