"""Mistakes in Serve configurations and settings, planted one by one. Serve itself lets most of them pass."""

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.__main__ import main
from cli.check import check_files
from cli.check.capacity import Node
from deployments.settings import Settings

ROOT = Path(__file__).parent.parent.parent
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "serve_config.yaml").read_text(encoding="utf-8"))

Plant = Callable[[dict[str, Any]], None]


def application(config: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = config["applications"][0]
    return first


def deployment(config: dict[str, Any], **options: Any) -> None:
    application(config)["deployments"] = [options]


MISTAKES: dict[str, tuple[Plant, str, str]] = {
    "an unknown key of Serve's own": (
        lambda config: config.update(proxy_locaton="HeadOnly"),
        "proxy_locaton",
        "ignore it. Did you mean proxy_location?",
    ),
    "an unknown key of a deployment": (
        lambda config: deployment(config, name="Ingress", num_replica=2),
        "applications[0].deployments[0].num_replica",
        "Did you mean num_replicas?",
    ),
    "an unknown key of the autoscaling": (
        lambda config: deployment(config, name="Llasa", autoscaling_config={"min_replica": 0}),
        "applications[0].deployments[0].autoscaling_config.min_replica",
        "Did you mean min_replicas?",
    ),
    "an unknown key of the actor options": (
        lambda config: deployment(config, name="Llasa", ray_actor_options={"num_gpu": 1}),
        "applications[0].deployments[0].ray_actor_options.num_gpu",
        "Did you mean num_gpus?",
    ),
    "a value of the wrong type": (
        lambda config: deployment(config, name="Ingress", max_ongoing_requests="many"),
        "applications[0].deployments[0].max_ongoing_requests",
        "'many' is refused",
    ),
    "fewer replicas at most than at least": (
        lambda config: deployment(config, name="Llasa", autoscaling_config={"min_replicas": 3, "max_replicas": 2}),
        "applications[0].deployments[0].autoscaling_config",
        "must be greater than or equal to min_replicas",
    ),
    "a module that is not there": (
        lambda config: application(config).update(import_path="deployments.ap:build"),
        "applications[0].import_path",
        "No module named 'deployments.ap'",
    ),
    "a builder that is not there": (
        lambda config: application(config).update(import_path="deployments.app:biuld"),
        "applications[0].import_path",
        "deployments.app has no biuld. Did you mean build?",
    ),
    "a policy that is not there": (
        lambda config: deployment(
            config,
            name="Llasa",
            autoscaling_config={"policy": {"policy_function": "deployments.residency.policy:Polizy"}},
        ),
        "applications[0].deployments[0].autoscaling_config",
        "has no attribute 'Polizy'",
    ),
    "an argument that the builder does not have": (
        lambda config: application(config).update(args={"profil": "nano"}),
        "applications[0].args.profil",
        "Did you mean profile?",
    ),
    "an argument's value that there is not": (
        lambda config: application(config).update(args={"profile": "llasa-9b"}),
        "applications[0].args",
        "There is no profile 'llasa-9b', only 'auto', 'nano', 'llasa-8b'",
    ),
    "a deployment that the application does not have": (
        lambda config: deployment(config, name="Lasa", num_replicas=1),
        "applications[0].deployments[0].name",
        "Did you mean Llasa?",
    ),
    "scaling that takes the policy away": (
        lambda config: deployment(config, name="Llasa", autoscaling_config={"max_replicas": 4}),
        "applications[0].deployments[0].autoscaling_config",
        "as `replicas`",
    ),
    "a fixed number of a model's replicas": (
        lambda config: deployment(config, name="Llasa", num_replicas=2),
        "applications[0].deployments[0].num_replicas",
        "turns off the loading and unloading",
    ),
}


def problems(config: dict[str, Any], tmp_path: Path, machine: Node | None = None) -> list[tuple[str, str]]:
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    return [(problem.place.path, problem.message) for problem in check_files([str(file)], machine)]


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_told_with_its_place(mistake: str, tmp_path: Path) -> None:
    plant, path, message = MISTAKES[mistake]
    config = copy.deepcopy(CONFIG)
    plant(config)
    [(where, told)] = problems(config, tmp_path)
    assert where == path
    assert message in told


def test_the_configuration_that_we_ship_is_right() -> None:
    assert check_files([str(ROOT / "serve_config.yaml"), str(ROOT / ".env.example")]) == []


def on_gpus(llasa: float, xcodec2: float) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    actor = {"runtime_env": {}, "num_cpus": 1}
    application(config)["args"] = {"profile": "llasa-8b"}
    application(config)["deployments"] = [
        {"name": "Llasa", "ray_actor_options": actor | {"num_gpus": llasa}},
        {"name": "XCodec2", "ray_actor_options": actor | {"num_gpus": xcodec2}},
    ]
    return config


def test_one_gpu_and_a_fifth_do_not_fit_on_one(tmp_path: Path) -> None:
    [(where, told)] = problems(on_gpus(1.0, 0.2), tmp_path, Node("this machine", cpus=16, gpus=1))
    assert where == "applications"
    assert told.startswith("XCodec2 cannot be placed beside the others. Needed: Llasa 1 GPU")
    assert "1 x this machine (1 GPU, 16 CPU)" in told


@pytest.mark.parametrize(("llasa", "gpus"), [(0.8, 1), (1.0, 2)])
def test_what_fits_is_not_complained_of(llasa: float, gpus: int, tmp_path: Path) -> None:
    assert problems(on_gpus(llasa, 0.2), tmp_path, Node("this machine", cpus=16, gpus=gpus)) == []


def test_parts_of_two_gpus_do_not_make_one(tmp_path: Path) -> None:
    config = on_gpus(0.7, 0.7)
    assert problems(config, tmp_path, Node("this machine", cpus=16, gpus=2)) == []
    assert problems(config, tmp_path, Node("this machine", cpus=16, gpus=1))


def test_one_and_a_half_gpus_are_impossible_anywhere(tmp_path: Path) -> None:
    [(_, told)] = problems(on_gpus(1.5, 0.2), tmp_path)
    assert told.startswith("Llasa needs 1.5 GPUs a replica")


def test_too_few_cpus_are_told(tmp_path: Path) -> None:
    [(_, told)] = problems(on_gpus(0.8, 0.2), tmp_path, Node("this machine", cpus=2, gpus=1))
    assert "cannot be placed" in told


def test_more_replicas_than_there_can_be_are_told(tmp_path: Path) -> None:
    config = copy.deepcopy(CONFIG)
    application(config)["args"] = {"profile": "llasa-8b", "node_gpus": 1, "replicas": {"Llasa": 3}}
    [(_, told)] = problems(config, tmp_path, Node("gpu", cpus=16, gpus=1, count=2))
    assert told.startswith("Llasa can never have its 3 replicas")


def test_a_key_that_is_given_twice_is_told(tmp_path: Path) -> None:
    (tmp_path / "twice.yaml").write_text("applications: []\nproxy_location: HeadOnly\nproxy_location: EveryNode\n")
    [problem] = check_files([str(tmp_path / "twice.yaml")])
    assert "the key proxy_location is given twice" in problem.message


def test_what_is_neither_configuration_nor_manifest_is_told(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("a: 1\n---\n- 2\n")
    assert [problem.message[:12] for problem in check_files([str(tmp_path / "other.yaml")])] == [
        "is neither a",
        "holds list w",
    ]
    [missing] = check_files([str(tmp_path / "none.yaml")])
    assert "cannot be read" in missing.message


SETTINGS = {
    "GPU_IDLE_TIMOUT=5": ("GPU_IDLE_TIMOUT", "no such setting. Did you mean GPU_IDLE_TIMEOUT?"),
    "API_PORT=http": ("API_PORT", "'http' is refused"),
    "PROFILE=llasa-9b": ("PROFILE", "'llasa-9b' is refused"),
    "API_KEYS=sk-secret-one": ("API_KEYS", "its value is refused"),
}


@pytest.mark.parametrize("line", SETTINGS)
def test_a_wrong_setting_is_told(line: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{line}\nMAX_TEXT_LENGTH=\nOMP_NUM_THREADS=2\n")
    [problem] = check_files([".env"])
    name, message = SETTINGS[line]
    assert problem.place.path == name
    assert message in problem.message
    assert "sk-secret" not in problem.message


def test_the_check_leaves_the_environment_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE", "no-such-profile")
    before = dict(os.environ)
    (tmp_path / ".env").write_text("PROFILE=nano\n")
    assert check_files([".env"]) == []
    assert dict(os.environ) == before


def test_the_command_says_what_is_wrong_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".env").write_text("PROFIL=nano\n")
    assert main(["check", ".env"]) == 1
    assert capsys.readouterr().out == ".env: PROFIL: there is no such setting. Did you mean PROFILE?\n"
    assert main(["check", str(ROOT / "serve_config.yaml"), "--gpus", "1", "--cpus", "8"]) == 0
    assert capsys.readouterr().out == "1 checked: nothing wrong.\n"


def test_the_command_fetches_what_the_profile_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MODELS_CACHE_DIR", str(tmp_path / "cache"))
    assert main(["fetch", "nano"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "nano:llasa",
        "nano:xcodec2",
        "nano:whisper",
    ]
    monkeypatch.setenv("LLASA_MODEL_PATH", "/no/such/folder")
    assert main(["fetch", "nano"]) == 1
    assert "There is no checkpoint folder" in capsys.readouterr().err


def test_the_command_tells_of_a_profile_that_there_is_not() -> None:
    with pytest.raises(SystemExit, match="PROFILE='huge': There is no profile 'huge'"):
        main(["fetch", "huge"])
