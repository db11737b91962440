"""The model of capacity: monotone, within its limits, and as its page shows it."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deployments.profiles import PROFILES
from scripts.capacity.__main__ import main
from scripts.capacity.model import Demand, Figures, Limits, plan

PAGE = Path(__file__).parent.parent.parent / "scripts" / "capacity" / "README.md"
H200 = Figures(gpu_audio_rate=57)
streams = st.integers(1, 100_000)


@given(streams)
def test_the_gpus_have_the_rate_that_is_asked_for_and_none_is_spare(listeners: int) -> None:
    found = plan(Demand(listeners), H200)
    rate = H200.gpu_audio_rate * 0.7
    assert found.gpus * rate >= listeners > (found.gpus - 1) * rate


@given(streams, streams)
def test_more_listeners_never_need_less(one: int, other: int) -> None:
    fewer, more = (plan(Demand(n), H200) for n in sorted((one, other)))
    for field in ("gpus", "cpu_nodes", "nodes", "proxies", "cells"):
        assert getattr(fewer, field) <= getattr(more, field)
    for deployment, replicas in fewer.replicas.items():
        assert replicas <= more.replicas[deployment]


@given(streams)
def test_a_cell_stays_within_every_limit(listeners: int) -> None:
    found, limits = plan(Demand(listeners), H200), Limits()
    assert found.nodes <= found.cells * (limits.nodes + 1)
    assert sum(found.replicas.values()) <= found.cells * (limits.replicas + 3)
    assert found.replicas["Ingress"] <= found.cells * limits.ingresses(H200)
    assert (found.cells == 1) == (found.bound_by == "")


@given(streams)
def test_no_python_process_of_the_data_path_is_overrun(listeners: int) -> None:
    found, limits = plan(Demand(listeners), H200), Limits()
    assert listeners * H200.ingress_cpu_s <= found.replicas["Ingress"] * limits.process_share + 1e-9
    assert listeners * H200.proxy_cpu_s <= found.cpu_nodes * limits.process_share + 1e-9


def test_the_first_listener_needs_one_gpu_and_a_spare_ingress() -> None:
    found = plan(Demand(1, gpu_price=3, cpu_price=0.05), H200)
    assert (found.gpus, found.cells) == (1, 1)
    assert found.replicas == {"Llasa": 1, "XCodec2": 1, "Whisper": 1, "Ingress": 2, "Jobs": 1, "Ui": 1}
    assert found.price == pytest.approx(3 + 2 * 6 * 0.05)


def test_the_model_has_every_deployment_that_is_deployed() -> None:
    config = yaml.safe_load((PAGE.parent.parent.parent / "serve_config.yaml").read_text(encoding="utf-8"))
    deployed = {one["name"] for application in config["applications"] for one in application["deployments"]}
    assert deployed <= plan(Demand(1), H200).replicas.keys()


def test_larger_nodes_put_the_limit_further_off() -> None:
    assert plan(Demand(20_000, gpus_per_node=8), H200).nodes < plan(Demand(20_000), H200).nodes


@pytest.mark.parametrize("demand", [Demand(0), Demand(5, headroom=1.0)])
def test_a_demand_that_makes_no_sense_is_refused(demand: Demand) -> None:
    with pytest.raises(ValueError, match="above 0"):
        plan(demand, H200)


def test_a_gpu_of_the_model_holds_llasa_and_xcodec2() -> None:
    profile = PROFILES["llasa-8b"]
    assert profile.xcodec2_gpus < 1
    assert profile.llasa_gpus == 1  # less XCodec2's part, where a node has one GPU


def test_the_tables_of_the_page_are_what_its_commands_print(capsys: pytest.CaptureFixture[str]) -> None:
    shown = re.findall(
        r"```sh\npython -m scripts\.capacity (.+)\n```\n\n((?:\|.+\n)+)", PAGE.read_text(encoding="utf-8")
    )
    assert len(shown) == 2
    for arguments, rows in shown:
        assert main(shlex.split(arguments)) == 0
        assert capsys.readouterr().out == rows
