"""The RayJob that speaks books."""

import shlex
from typing import Any

import yaml

from cli.__main__ import build_parser
from cli.check.problem import Place
from cli.check.ray_resource import check_ray_resource
from deployments.profiles import PROFILES
from scripts.k8s import batch
from tests.k8s.overlays import ROOT

FOLDER = ROOT / "k8s" / "batch"
KNOWN = {
    "entrypoint",
    "submissionMode",
    "shutdownAfterJobFinishes",
    "ttlSecondsAfterFinished",
    "backoffLimit",
    "rayClusterSpec",
}
"""Keys of a RayJob (KubeRay's `rayjob_types.go`) that we use."""


def spec() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "rayjob.yaml").read_text(encoding="utf-8"))["spec"]
    return found


def test_the_job_is_made_from_the_service() -> None:
    assert (FOLDER / "rayjob.yaml").read_text(encoding="utf-8") == batch()
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
    assert kustomization["resources"] == ["rayjob.yaml"]


def test_its_cluster_is_valid() -> None:
    assert spec().keys() == KNOWN
    body = {
        "apiVersion": "ray.io/v1",
        "kind": "RayCluster",
        "metadata": {"name": "batch"},
        "spec": spec()["rayClusterSpec"],
    }
    assert check_ray_resource(Place("rayjob.yaml"), body, {}) == []


def test_its_command_is_one_that_the_command_line_knows() -> None:
    shell, option, command = shlex.split(spec()["entrypoint"])
    assert (shell, option) == ("sh", "-c")
    profile, program, *arguments = shlex.split(command)
    assert (profile.partition("=")[2] in PROFILES, program) == (True, "llasa-serve")
    given = build_parser().parse_args(arguments)
    [group] = spec()["rayClusterSpec"]["workerGroupSpecs"]
    assert (given.command, given.replicas) == ("batch", group["maxReplicas"])


def test_a_replica_fits_on_a_pod_that_has_the_volumes_and_goes_when_there_is_no_work() -> None:
    [group] = spec()["rayClusterSpec"]["workerGroupSpecs"]
    container = group["template"]["spec"]["containers"][0]
    profile = PROFILES["llasa-8b"]
    assert profile.llasa_cpus + profile.xcodec2_cpus <= float(container["resources"]["limits"]["cpu"])
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/models", "/data"}
    assert group["minReplicas"] == 0
    assert spec()["shutdownAfterJobFinishes"]
