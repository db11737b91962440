"""Mistakes planted into the RayService that we ship."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.check import check_files
from deployments.settings import Settings
from tests.k8s.overlays import the

Spec = dict[str, Any]


def cluster(spec: Spec) -> Spec:
    inner: Spec = spec["rayClusterConfig"]
    return inner


def gpu_group(spec: Spec) -> Spec:
    group: Spec = cluster(spec)["workerGroupSpecs"][1]
    return group


def container(group: Spec) -> Spec:
    first: Spec = group["template"]["spec"]["containers"][0]
    return first


def serve(spec: Spec, **changes: Any) -> None:
    spec["serveConfigV2"] = yaml.safe_dump(yaml.safe_load(spec["serveConfigV2"]) | changes)


CLUSTER = "RayService/llasa-serve.spec.rayClusterConfig"
MISTAKES: dict[str, tuple[Callable[[Spec], object], str, str]] = {
    "an unknown key of KubeRay's": (
        lambda spec: cluster(spec).update(enableInTreeAutoscalng=True),
        f"{CLUSTER}.enableInTreeAutoscalng",
        "Did you mean enableInTreeAutoscaling?",
    ),
    "an unknown key of a pod": (
        lambda spec: container(gpu_group(spec)).update(imagePullPolcy="Always"),
        f"{CLUSTER}.workerGroupSpecs[1].template.spec.containers[0].imagePullPolcy",
        "Did you mean imagePullPolicy?",
    ),
    "a number for a string": (
        lambda spec: cluster(spec)["headGroupSpec"]["rayStartParams"].update({"num-cpus": 0}),
        f"{CLUSTER}.headGroupSpec.rayStartParams.num-cpus",
        "0 is not of type 'string'",
    ),
    "another Ray": (
        lambda spec: cluster(spec).update(rayVersion="2.59.0"),
        f"{CLUSTER}.rayVersion",
        "they must be the same",
    ),
    "another image on one group": (
        lambda spec: container(gpu_group(spec)).update(image="llasa-serve:0.0.9-gpu"),
        CLUSTER,
        "the pods run different images",
    ),
    "a group that never comes": (
        lambda spec: cluster(spec).pop("enableInTreeAutoscaling"),
        f"{CLUSTER}.workerGroupSpecs[0].maxReplicas",
        "while enableInTreeAutoscaling is off",
    ),
    "more pods at first than at most": (
        lambda spec: gpu_group(spec).update(replicas=2),
        f"{CLUSTER}.workerGroupSpecs[1].replicas",
        "minReplicas 0, replicas 2 and maxReplicas 1",
    ),
    "a setting that is none": (
        lambda spec: container(gpu_group(spec))["env"].append({"name": "GPU_IDLE_TIMOUT", "value": "5"}),
        f"{CLUSTER}.workerGroupSpecs[1].template.spec.containers[0].env.GPU_IDLE_TIMOUT",
        "Did you mean GPU_IDLE_TIMEOUT?",
    ),
    "an upgrade that there is not": (
        lambda spec: spec.update(upgradeStrategy={"type": "NewClusters"}),
        "RayService/llasa-serve.spec.upgradeStrategy.type",
        "Did you mean NewCluster?",
    ),
    "an incremental upgrade without its gateway": (
        lambda spec: spec.update(upgradeStrategy={"type": "NewClusterWithIncrementalUpgrade"}),
        "RayService/llasa-serve.spec.upgradeStrategy.clusterUpgradeOptions",
        "needs gatewayClassName",
    ),
    "a service that only its own pod reaches": (
        lambda spec: serve(spec, http_options={"host": "127.0.0.1", "port": 8000}),
        "RayService/llasa-serve.spec.serveConfigV2.http_options.host",
        "cannot be reached from other pods",
    ),
    "an unknown key of Serve's": (
        lambda spec: serve(spec, aplications=[]),
        "RayService/llasa-serve.spec.serveConfigV2.aplications",
        "Did you mean applications?",
    ),
    "a whole GPU and a fifth on one": (
        lambda spec: spec.update(serveConfigV2=spec["serveConfigV2"].replace("node_gpus: 1", "node_gpus: 2")),
        "RayService/llasa-serve.spec.serveConfigV2.applications",
        "XCodec2 cannot be placed beside the others",
    ),
    "models for which there is no GPU": (
        lambda spec: cluster(spec)["workerGroupSpecs"].pop(),
        "RayService/llasa-serve.spec.serveConfigV2.applications",
        "Llasa and XCodec2 cannot be placed",
    ),
    "pods with a label that no group has": (
        lambda spec: cluster(spec)["workerGroupSpecs"][0].update(labels={"pool": "cpus"}),
        "RayService/llasa-serve.spec.serveConfigV2.applications",
        "Whisper 0 GPU and 4 CPU where pool is cpu",
    ),
    "a CPU too few for Whisper": (
        lambda spec: container(cluster(spec)["workerGroupSpecs"][0])["resources"]["limits"].update(cpu="3500m"),
        "RayService/llasa-serve.spec.serveConfigV2.applications",
        "Whisper cannot be placed",
    ),
}


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def problems(tmp_path: Path, *manifests: dict[str, Any]) -> list[tuple[str, str]]:
    file = tmp_path / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(manifests), encoding="utf-8")
    return [(problem.place.path, problem.message) for problem in check_files([str(file)])]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_told_with_its_place(mistake: str, tmp_path: Path) -> None:
    plant, path, message = MISTAKES[mistake]
    manifest = copy.deepcopy(the("one-gpu", "RayService"))
    plant(manifest["spec"])
    found = problems(tmp_path, manifest)
    assert path in [where for where, _ in found]
    assert message in dict(found)[path]


def test_a_rayservice_without_a_mistake_passes(tmp_path: Path) -> None:
    assert problems(tmp_path, the("one-gpu", "RayService")) == []


def test_a_wrong_setting_in_the_pods_configmap_is_told(tmp_path: Path) -> None:
    settings = copy.deepcopy(the("one-gpu", "ConfigMap"))
    settings["data"] |= {"API_PORTS": "1", "MAX_UPLOAD_MB": "lots"}
    assert [where for where, _ in problems(tmp_path, settings, the("one-gpu", "RayService"))][:2] == [
        "ConfigMap/llasa-serve.data.API_PORTS",
        "ConfigMap/llasa-serve.data.MAX_UPLOAD_MB",
    ]


def test_another_programs_configmap_is_left_alone(tmp_path: Path) -> None:
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}, "data": {"ANYTHING": "1"}}
    assert problems(tmp_path, other, the("one-gpu", "RayService")) == []


def test_the_profile_of_the_configmap_decides_what_must_fit(tmp_path: Path) -> None:
    manifest = copy.deepcopy(the("nano", "RayService"))
    manifest["spec"]["serveConfigV2"] = manifest["spec"]["serveConfigV2"].replace("profile: nano", "node_gpus: 0")
    settings = copy.deepcopy(the("nano", "ConfigMap"))
    assert problems(tmp_path, settings, manifest) == []
    settings["data"]["PROFILE"] = "llasa-8b"
    assert "cannot be placed" in problems(tmp_path, settings, manifest)[0][1]


def test_a_raycluster_is_checked_as_well(tmp_path: Path) -> None:
    inner = copy.deepcopy(cluster(the("one-gpu", "RayService")["spec"]))
    manifest = {"apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": {"name": "one"}, "spec": inner}
    assert problems(tmp_path, manifest) == []
    inner["rayVersion"] = "2.0"
    assert problems(tmp_path, manifest)[0][0] == "RayCluster/one.spec.rayVersion"


def test_an_older_api_is_told(tmp_path: Path) -> None:
    manifest = the("one-gpu", "RayService") | {"apiVersion": "ray.io/v1alpha1"}
    assert "is not checked" in problems(tmp_path, manifest)[0][1]
