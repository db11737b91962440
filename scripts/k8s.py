"""Writes serve_config.yaml into the overlays of k8s/, each with its own changes. Run it when serve_config.yaml changes.

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


def main() -> None:
    """Writes all overlays."""
    for name, overlay in OVERLAYS.items():
        (ROOT / "k8s" / name / "serve.yaml").write_text(patch(overlay), encoding="utf-8")


if __name__ == "__main__":
    main()
