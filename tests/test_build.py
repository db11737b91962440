"""The graph that `build` wires, without a cluster."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ray.serve import Application, Deployment

from deployments.app import build
from deployments.arguments import Arguments
from deployments.settings import Settings


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., dict[str, Deployment]]:
    """Builds on a cluster with so many GPUs, in an environment."""

    monkeypatch.chdir(tmp_path)  # away from a .env
    for setting in Settings.model_fields:  # of a service that other tests share
        monkeypatch.delenv(setting.upper(), raising=False)

    def make(gpus: float = 0, arguments: Arguments | None = None, **environment: str) -> dict[str, Deployment]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 2.0} | ({"GPU": gpus} if gpus else {}))
        return deployments(build(arguments or Arguments()))

    return make


def deployments(application: Application) -> dict[str, Deployment]:
    bound = application._bound_deployment
    found = {bound.name: bound}
    for argument in bound.init_args:
        if isinstance(argument, Application):
            found |= deployments(argument)
    return found


def config(deployment: Deployment) -> Any:
    return deployment._deployment_config


def test_the_ingress_is_composed_of_three_models_and_the_jobs(graph: Callable[..., dict[str, Deployment]]) -> None:
    assert list(graph()) == ["Ingress", "Llasa", "XCodec2", "Whisper", "Jobs"]


def test_one_replica_writes_the_journal_of_jobs(graph: Callable[..., dict[str, Deployment]]) -> None:
    assert config(graph()["Jobs"]).num_replicas == 1


def test_without_a_gpu_nothing_asks_for_one(graph: Callable[..., dict[str, Deployment]]) -> None:
    for deployment in graph().values():
        assert not (deployment.ray_actor_options or {}).get("num_gpus")


def test_on_one_gpu_llasa_and_xcodec2_fit_together(graph: Callable[..., dict[str, Deployment]]) -> None:
    built = graph(gpus=1)
    gpus = {name: (built[name].ray_actor_options or {}).get("num_gpus") for name in ("Llasa", "XCodec2", "Whisper")}
    assert gpus == {"Llasa": 0.8, "XCodec2": 0.2, "Whisper": None}


def test_the_argument_goes_before_the_setting(graph: Callable[..., dict[str, Deployment]]) -> None:
    built = graph(arguments=Arguments(profile="llasa-3b"), PROFILE="nano")
    assert built["Llasa"].init_args[0].name == "llasa-3b"


def test_timeouts_and_log_level_reach_every_model(graph: Callable[..., dict[str, Deployment]]) -> None:
    built = graph(GPU_IDLE_TIMEOUT="12.5", GPU_RELEASE_TIMEOUT="60", LOG_LEVEL="WARNING")
    for name in ("Llasa", "XCodec2", "Whisper"):
        scaling = config(built[name]).autoscaling_config
        assert scaling.min_replicas == 0
        assert scaling.policy.policy_kwargs == {"timeout_s": 12.5, "release_s": 60}
        assert config(built[name]).logging_config["log_level"] == "WARNING"


def test_the_engine_is_never_given_more_requests_than_it_has_places(
    graph: Callable[..., dict[str, Deployment]],
) -> None:
    built = graph()
    assert config(built["Llasa"]).max_ongoing_requests == built["Llasa"].init_args[0].takes


def test_the_ingress_lets_in_all_who_may_run_or_wait_and_some_more(
    graph: Callable[..., dict[str, Deployment]],
) -> None:
    built = graph(MAX_RUNNING_REQUESTS="40", MAX_QUEUED_REQUESTS="500")
    assert config(built["Ingress"]).max_ongoing_requests > 540


@pytest.mark.parametrize(
    ("environment", "llasas", "running"),
    [({}, 1, 16), ({}, 8, 128), ({"MAX_RUNNING_REQUESTS": "40"}, 8, 40)],
    ids=str,
)
def test_as_many_requests_run_as_all_llasas_hold_unless_a_setting_says_otherwise(
    graph: Callable[..., dict[str, Deployment]], environment: dict[str, str], llasas: int, running: int
) -> None:
    built = graph(arguments=Arguments(profile="nano", replicas={"Llasa": llasas}), **environment)
    assert list(built["Ingress"].init_args)[1].max_running_requests == running


def test_a_dead_replica_is_noticed_soon_and_a_slow_one_is_given_time(
    graph: Callable[..., dict[str, Deployment]],
) -> None:
    for deployment in graph().values():
        assert config(deployment).health_check_period_s <= 1
        assert config(deployment).health_check_timeout_s >= 30
