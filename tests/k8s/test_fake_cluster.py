"""The service while GPU nodes come and go; `fake_cluster` makes them, and tells what happened."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.k8s.overlays import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.k8s.fake_cluster", str(tmp_path_factory.mktemp("cluster"))],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if "VISIBLE_DEVICES" not in name},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-5000:]
    told: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return told


def test_a_cluster_without_a_gpu_is_up_with_an_ingress_on_each_of_two_nodes(found: dict[str, Any]) -> None:
    assert found["at rest"] == "RUNNING"
    assert found["ingress nodes"] == 2


def test_a_request_waits_for_a_gpu_node_and_is_served_when_it_comes(found: dict[str, Any]) -> None:
    assert found["waits"]
    assert found["served when the GPU came"] == [200, None, None]


def test_requests_of_which_nothing_has_left_outlive_the_node_that_they_were_on(found: dict[str, Any]) -> None:
    assert found["in mid-load"] == [[200, None, None]] * 2


def test_speech_that_was_on_its_way_ends_with_an_error_that_says_so(found: dict[str, Any]) -> None:
    assert found["streamed"] == ["speech.audio.delta", "speech.audio.error"]


def test_the_service_recovers_without_being_touched(found: dict[str, Any]) -> None:
    assert found["afterwards"] == [200, None, None]
