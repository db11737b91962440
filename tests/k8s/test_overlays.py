"""Every manifest of every overlay, against Kubernetes' schemas, KubeRay's, Serve's and our own check."""

import copy
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from ray.serve.schema import ServeDeploySchema

from cli.check import check_files
from deployments.profiles import PROFILES
from deployments.settings import Settings
from deployments.version import VERSION
from scripts.k8s import OVERLAYS as GENERATED
from scripts.k8s import patch, serve_config
from tests.k8s.overlays import COMPONENTS, OVERLAYS, ROOT, built, kustomize, manifests, the
from tests.support.documents import read

KUBERNETES = "1.34"
DURATION = {"pattern": r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"}
# Kinds of others' APIs, whose schemas are not at hand: the keys that we know of them.
SPECS: dict[str, dict[str, Any]] = {
    "HTTPRoute": {
        "additionalProperties": False,
        "required": ["parentRefs", "rules"],
        "properties": {
            "parentRefs": {
                "items": {"additionalProperties": False, "properties": {"name": {}, "namespace": {}}},
            },
            "hostnames": {"items": {"type": "string"}},
            "rules": {
                "items": {
                    "additionalProperties": False,
                    "properties": {
                        "matches": {},
                        "backendRefs": {
                            "items": {
                                "additionalProperties": False,
                                "properties": {"name": {"type": "string"}, "port": {"type": "integer"}},
                            }
                        },
                        "timeouts": {
                            "additionalProperties": False,
                            "properties": {"request": DURATION, "backendRequest": DURATION},
                        },
                    },
                }
            },
        },
    },
    "PodMonitor": {
        "additionalProperties": False,
        "required": ["selector", "podMetricsEndpoints"],
        "properties": {
            "selector": {"required": ["matchLabels"]},
            "jobLabel": {"type": "string"},
            "podTargetLabels": {"items": {"type": "string"}},
            "podMetricsEndpoints": {
                "items": {
                    "additionalProperties": False,
                    "properties": {"port": {"type": "string"}, "interval": {"pattern": r"^\d+s$"}},
                }
            },
        },
    },
}


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=[*OVERLAYS, *(f"with {name}" for name in COMPONENTS)])
def overlay(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The manifests of an overlay, or of the nano one with a component."""
    name: str = request.param
    if not name.startswith("with "):
        return built(name)
    k8s = tmp_path / "k8s"
    subprocess.run(["cp", "-r", str(ROOT / "k8s"), str(k8s)], check=True)
    kustomization = k8s / "nano" / "kustomization.yaml"
    component = name.removeprefix("with ")
    text = kustomization.read_text(encoding="utf-8")
    kustomization.write_text(text.replace("components/ingress", f"components/{component}"), encoding="utf-8")
    return kustomize(k8s / "nano")


def validate(body: dict[str, Any]) -> None:
    """Raises ValidationError; KubeRay's kinds are for our own check."""
    if body["kind"] in SPECS:
        jsonschema.validate(body["spec"], SPECS[body["kind"]])
    elif not body["apiVersion"].startswith("ray.io/"):
        kubernetes_validate.validate(body, KUBERNETES, strict=True)


def test_every_manifest_is_valid(overlay: str) -> None:
    kinds = set()
    for body in yaml.safe_load_all(overlay):
        kinds.add(body["kind"])
        validate(body)
    assert {"RayService", "NetworkPolicy", "PodDisruptionBudget", "PersistentVolumeClaim", "Job"} <= kinds


MISTAKES: dict[str, tuple[str, str, Callable[[dict[str, Any]], object]]] = {
    "an unknown key of a policy": ("NetworkPolicy", "llasa-serve-in", lambda spec: spec.update(policyType=["Ingress"])),
    "a port that is none": (
        "NetworkPolicy",
        "llasa-serve-redis",
        lambda spec: spec["ingress"][0]["ports"][0].update(port=[6379]),
    ),
    "a misspelt volume": (
        "PersistentVolumeClaim",
        "llasa-serve-models",
        lambda spec: spec.update(accessMode=["ReadWriteMany"]),
    ),
    "a container without a name": (
        "Job",
        "llasa-serve-models",
        lambda spec: spec["template"]["spec"]["containers"][0].pop("name"),
    ),
    "a number of replicas in words": ("StatefulSet", "llasa-serve-redis", lambda spec: spec.update(replicas="one")),
    "a budget's misspelt key": (
        "PodDisruptionBudget",
        "llasa-serve-ingress",
        lambda spec: spec.update(minAvailble=1),
    ),
    "a path without a type": (
        "Ingress",
        "llasa-serve",
        lambda spec: spec["rules"][0]["http"]["paths"][0].pop("pathType"),
    ),
    "a scrape's misspelt interval": (
        "PodMonitor",
        "llasa-serve",
        lambda spec: spec["podMetricsEndpoints"][0].update(intervall="15s"),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_caught(mistake: str) -> None:
    kind, name, plant = MISTAKES[mistake]
    body = copy.deepcopy(the("gpu-pool", kind, name))
    validate(body)
    plant(body["spec"])
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        validate(body)


def test_an_image_named_as_the_guide_says_is_that_of_every_pod(tmp_path: Path) -> None:
    [command] = re.findall(r"^printf .+$", read("docs/guides/kubernetes.md"), re.MULTILINE)
    subprocess.run(["cp", "-r", str(ROOT / "k8s"), str(tmp_path)], check=True)
    subprocess.run(["bash", "-ec", command], cwd=tmp_path, check=True)
    images = re.findall(r"^\s+image: (\S+)$", kustomize(tmp_path / "k8s" / "one-gpu"), re.MULTILINE)
    assert {image for image in images if "llasa-serve" in image} == {
        f"registry.example.com/llasa-serve:{VERSION}-{kind}" for kind in ("cpu", "gpu")
    }


def test_our_check_finds_nothing(overlay: str, tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(overlay, encoding="utf-8")
    assert [str(problem) for problem in check_files([str(tmp_path / "all.yaml")])] == []


def test_the_check_reads_what_kustomize_writes() -> None:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "cli", "check", "-"],
        input=built("gpu-pool"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", GENERATED)
def test_serve_config_v2_is_made_from_serve_config_yaml(name: str) -> None:
    overlay = GENERATED[name]
    assert (ROOT / "k8s" / name / "serve.yaml").read_text(encoding="utf-8") == patch(overlay)
    deployed = yaml.safe_load(the(name, "RayService")["spec"]["serveConfigV2"])
    assert deployed == serve_config(overlay)
    ServeDeploySchema.model_validate(deployed)


def test_the_same_is_deployed_on_a_cluster_as_here() -> None:
    here = yaml.safe_load((ROOT / "serve_config.yaml").read_text(encoding="utf-8"))
    there = serve_config(GENERATED["one-gpu"])
    assert there["http_options"].pop("host") == "0.0.0.0"  # noqa: S104
    assert there["http_options"].pop("port") == 8000
    assert there["applications"][0].pop("args") == {"profile": "llasa-8b", "node_gpus": 1}
    assert there["applications"][0]["deployments"].pop()["name"] == "Whisper"
    for application in there["applications"]:
        for deployment in application["deployments"]:
            assert deployment["ray_actor_options"].pop("label_selector") == {"pool": "cpu"}
    del here["http_options"]["host"], here["http_options"]["port"], here["applications"][0]["args"]
    assert there == here


@pytest.mark.parametrize("name", OVERLAYS)
def test_nobody_outside_reaches_the_dashboard(name: str) -> None:
    for policy in [body for body in manifests(name) if body["kind"] == "NetworkPolicy"]:
        for rule in policy["spec"].get("ingress") or []:
            if "from" not in rule:
                assert [port["port"] for port in rule["ports"]] == [8000]
            for source in rule.get("from", []):
                assert source["podSelector"]["matchLabels"]
    for route in [body for body in manifests(name) if body["kind"] in ("Ingress", "HTTPRoute", "Service")]:
        assert "8265" not in str(route)
    assert the(name, "RayService")["spec"]["rayClusterConfig"]["authOptions"] == {"mode": "token"}


@pytest.mark.parametrize("name", OVERLAYS)
def test_network_policies_hold_for_the_pods_that_there_are(name: str) -> None:
    cluster = the(name, "RayService")["spec"]["rayClusterConfig"]
    for group in [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]:
        assert group["template"]["metadata"]["labels"] == {"app": "llasa-serve"}
    for policy in ("llasa-serve-in", "llasa-serve-workers-out"):
        assert the(name, "NetworkPolicy", policy)["spec"]["podSelector"]["matchLabels"]["app"] == "llasa-serve"


@pytest.mark.parametrize("name", ["one-gpu", "gpu-pool"])
def test_gpus_come_from_none_and_the_cpu_workers_never_go(name: str) -> None:
    cluster = the(name, "RayService")["spec"]["rayClusterConfig"]
    cpu, gpu = cluster["workerGroupSpecs"]
    assert (gpu["replicas"], gpu["minReplicas"]) == (0, 0)
    assert gpu["maxReplicas"] == (1 if name == "one-gpu" else 8)
    assert cpu["minReplicas"] >= 1
    assert cluster["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}


@pytest.mark.parametrize("name", ["one-gpu", "gpu-pool"])
def test_what_needs_no_gpu_keeps_off_the_gpu_pods(name: str) -> None:
    """They would not go while it is there, and they have no volume for voices."""
    spec = the(name, "RayService")["spec"]
    cpu, gpu = spec["rayClusterConfig"]["workerGroupSpecs"]
    applications = yaml.safe_load(spec["serveConfigV2"])["applications"]
    deployments = {one["name"]: one for application in applications for one in application["deployments"]}
    assert deployments.keys() == {"Ingress", "Jobs", "Whisper", "Ui"}
    for options in deployments.values():
        assert options["ray_actor_options"]["label_selector"] == cpu["labels"]
    assert "labels" not in gpu
    assert deployments["Whisper"]["ray_actor_options"]["num_cpus"] == PROFILES["llasa-8b"].whisper_cpus


@pytest.mark.parametrize("name", ["one-gpu", "gpu-pool"])
def test_a_gpu_node_outlasts_the_models_on_it(name: str) -> None:
    """A node that went first would take a model in use with it, or leave Serve no time to unload."""
    settings = the(name, "ConfigMap")["data"]
    timeout = float(settings["GPU_IDLE_TIMEOUT"]) + float(settings["GPU_RELEASE_TIMEOUT"])
    _, gpu = the(name, "RayService")["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    assert gpu["idleTimeoutSeconds"] > timeout


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_disruption_budget_is_one_that_kubernetes_can_count(name: str) -> None:
    """Of pods whose owner has no scale subresource only `minAvailable`, and as a number (kuberay#2662)."""
    budget = the(name, "PodDisruptionBudget", "llasa-serve-ingress")["spec"]
    groups = the(name, "RayService")["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    [group] = [g for g in groups if g["groupName"] == budget["selector"]["matchLabels"]["ray.io/group"]]
    assert budget.keys() == {"minAvailable", "selector"}
    assert 1 <= budget["minAvailable"] <= group["minReplicas"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_pod_has_the_time_that_its_pause_takes(name: str) -> None:
    for group in the(name, "RayService")["spec"]["rayClusterConfig"]["workerGroupSpecs"]:
        pod = group["template"]["spec"]
        if pause := pod["containers"][0].get("lifecycle"):
            assert pause["preStop"]["sleep"]["seconds"] < pod["terminationGracePeriodSeconds"]


def test_only_the_head_reaches_redis_and_models_reach_nothing_outside() -> None:
    [rule] = the("gpu-pool", "NetworkPolicy", "llasa-serve-redis")["spec"]["ingress"]
    kinds = [source["podSelector"]["matchLabels"]["ray.io/node-type"] for source in rule["from"]]
    assert kinds == ["head", "redis-cleanup"]
    for rule in the("gpu-pool", "NetworkPolicy", "llasa-serve-workers-out")["spec"]["egress"]:
        ours = [to.get("podSelector", {}).get("matchLabels") == {"app": "llasa-serve"} for to in rule["to"]]
        assert all(ours) or {port["port"] for port in rule["ports"]} == {53}


def test_bodies_pass_the_ingress_that_the_service_takes() -> None:
    annotations = the("one-gpu", "Ingress")["metadata"]["annotations"]
    limit = annotations["nginx.ingress.kubernetes.io/proxy-body-size"]
    assert float(limit.removesuffix("m")) > float(the("one-gpu", "ConfigMap")["data"]["MAX_UPLOAD_MB"])
    assert annotations["nginx.ingress.kubernetes.io/proxy-buffering"] == "off"


def test_no_secret_is_in_the_tree() -> None:
    for name in OVERLAYS:
        assert not [body for body in manifests(name) if body["kind"] == "Secret"]
