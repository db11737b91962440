"""Writes serve_config.yaml into the overlays of k8s/, each with its own changes, and the RayJob of k8s/batch.

Run it when serve_config.yaml or the pods change.

`python -m scripts.k8s`
"""

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from deployments.profiles import PROFILES

ROOT: Final = Path(__file__).resolve().parent.parent
_NO_GPU: Final = {"label_selector": {"pool": "cpu"}}
"""Selects pods of the group `cpu` of k8s/base."""
_BATCH_GPUS: Final = 8
_HEAD: Final = "# Made from serve_config.yaml by `python -m scripts.k8s`; change it there.\n"


@dataclass(frozen=True, slots=True)
class Overlay:
    """An overlay's own options."""

    args: dict[str, Any]
    """Arguments of the builder."""
    ingress: dict[str, Any] = field(default_factory=dict)
    """Options of the ingress."""


OVERLAYS: Final = {
    "nano": Overlay({"profile": "nano"}),
    "one-gpu": Overlay({"profile": "llasa-8b", "node_gpus": 1}),
    "gpu-pool": Overlay(
        {"profile": "llasa-8b", "node_gpus": 1, "replicas": {"Llasa": 8, "XCodec2": 8, "Whisper": 2}},
        {"max_replicas_per_node": 1},
    ),
}


def serve_config(overlay: Overlay) -> dict[str, Any]:
    """Returns the configuration of a cluster: reachable from other pods, on the port that KubeRay expects."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "serve_config.yaml").read_text(encoding="utf-8"))
    config["http_options"] |= {"host": "0.0.0.0", "port": 8000}  # noqa: S104
    application = config["applications"][0]
    application["args"] |= overlay.args
    for deployment in application["deployments"]:
        if deployment["name"] == "Ingress":
            deployment |= copy.deepcopy(overlay.ingress)
    profile = PROFILES[application["args"]["profile"]]
    if profile.llasa_gpus:
        application["deployments"].append({"name": "Whisper", "ray_actor_options": {"num_cpus": profile.whisper_cpus}})
        for deployment in [one for application in config["applications"] for one in application["deployments"]]:
            deployment["ray_actor_options"] |= copy.deepcopy(_NO_GPU)
    return config


def patch(overlay: Overlay) -> str:
    """Returns the overlay's serve.yaml: a patch of the RayService."""
    config = yaml.safe_dump(serve_config(overlay), sort_keys=False)
    indented = "".join(f"    {line}\n" for line in config.splitlines())
    return (
        f"{_HEAD}apiVersion: ray.io/v1\nkind: RayService\nmetadata:\n  name: llasa-serve\n"
        f"spec:\n  serveConfigV2: |\n{indented}"
    )


def rayjob() -> dict[str, Any]:
    """Returns a RayJob that speaks books: with the pods of the RayService, but none of what only a service needs."""
    base, patches = (
        yaml.safe_load((ROOT / "k8s" / path).read_text(encoding="utf-8"))
        for path in ("base/rayservice.yaml", "one-gpu/gpu-group.yaml")
    )
    cluster: dict[str, Any] = copy.deepcopy(base["spec"]["rayClusterConfig"])
    del cluster["gcsFaultToleranceOptions"]
    gpu: dict[str, Any] = copy.deepcopy(patches[0]["value"])
    head = cluster["headGroupSpec"]["template"]["spec"]
    pod = gpu["template"]["spec"]
    pod["volumes"] = head["volumes"]  # replicas write what they speak
    pod["containers"][0]["volumeMounts"] = head["containers"][0]["volumeMounts"]
    cluster["workerGroupSpecs"] = [gpu | {"maxReplicas": _BATCH_GPUS, "idleTimeoutSeconds": 60}]
    command = f"llasa-serve batch /data/books/*.epub --output /data/books/spoken --replicas {_BATCH_GPUS}"
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {"name": "llasa-serve-batch"},
        "spec": {
            "entrypoint": f"sh -c 'PROFILE=llasa-8b {command}'",
            "submissionMode": "HTTPMode",  # by the operator, which the network policies let in
            "shutdownAfterJobFinishes": True,
            "ttlSecondsAfterFinished": 300,
            "backoffLimit": 3,  # what is spoken is kept: a further attempt goes on
            "rayClusterSpec": cluster,
        },
    }


class _Plain(yaml.SafeDumper):
    """Writes shared values again instead of referring to them."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def batch() -> str:
    """Returns k8s/batch/rayjob.yaml."""
    head = "# Made from base/ and one-gpu/ by `python -m scripts.k8s`; change it there.\n"
    return head + yaml.dump(rayjob(), Dumper=_Plain, sort_keys=False, width=120)


def main() -> None:
    """Writes all overlays, and the job."""
    (ROOT / "k8s" / "batch" / "rayjob.yaml").write_text(batch(), encoding="utf-8")
    for name, overlay in OVERLAYS.items():
        (ROOT / "k8s" / name / "serve.yaml").write_text(patch(overlay), encoding="utf-8")


if __name__ == "__main__":
    main()
