"""The overlays of k8s/, built."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
OVERLAYS = ("nano", "one-gpu", "gpu-pool", "gpu-pool-incremental")
COMPONENTS = ("ingress", "gateway", "monitoring")


@cache
def built(overlay: str) -> str:
    """The manifests of an overlay, as YAML."""
    return kustomize(ROOT / "k8s" / overlay)


def kustomize(folder: Path) -> str:
    """Builds a folder with `kubectl kustomize` or `kustomize build`, whichever there is; CI must have one."""
    if shutil.which("kubectl"):
        command = ["kubectl", "kustomize"]
    elif shutil.which("kustomize"):
        command = ["kustomize", "build"]
    else:
        told = "neither kubectl nor kustomize is installed: overlays are not built here"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    result = subprocess.run([*command, str(folder)], capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    assert not result.stderr, result.stderr  # deprecations
    return result.stdout


def manifests(overlay: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(built(overlay)))


def the(overlay: str, kind: str, name: str = "llasa-serve") -> dict[str, Any]:
    [found] = [body for body in manifests(overlay) if body["kind"] == kind and body["metadata"]["name"] == name]
    return found
