"""`pyproject.toml` has the version; whatever else names it agrees."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deployments.mcp.server import build_server
from deployments.version import VERSION
from scripts.openapi import openapi

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
NAMED = re.compile(r"llasa-serve:(?:\$\{IMAGE_TAG:-)?(\d+\.\d+\.\d+)|`IMAGE_TAG` \| `([^`]+)`")
"""An image with its tag, or the default of its tag."""


def files() -> list[Path]:
    named = [ROOT / name for name in ("Dockerfile", "compose.yaml", "README.md", "CONTRIBUTING.md")]
    folders = [ROOT / name for name in ("k8s", "docs", "examples", "deployments", "cli", "ui", "scripts")]
    return named + [path for folder in folders for path in folder.rglob("*") if path.suffix in (".yaml", ".md", ".py")]


def test_the_installed_package_has_the_version_of_the_project() -> None:
    assert VERSION == PROJECT, "Install again: pip install --no-deps --editable ."


def test_every_image_tag_is_the_version() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): {a or b for a, b in NAMED.findall(path.read_text(encoding="utf-8"))}
        for path in files()
    }
    found = {name: versions for name, versions in found.items() if versions}
    assert {"compose.yaml", "docs/guides/docker.md", "docs/guides/kubernetes.md", "k8s/base/models.yaml"} <= set(found)
    assert set().union(*found.values()) == {PROJECT}, found


def test_the_citation_has_the_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT


def test_the_changelog_has_the_version() -> None:
    headings = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[:2] == ["Unreleased", PROJECT]


def test_clients_see_the_version() -> None:
    assert openapi()["info"]["version"] == PROJECT
    assert build_server(cast("Any", MagicMock()), 1).version == PROJECT


def test_the_command_line_prints_the_version() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "cli", "--version"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == f"llasa-serve {PROJECT}\n"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_locked_packages_satisfy_the_dependencies(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    wanted += project["optional-dependencies"]["test"] if "test" in name else []
    pins = [line.split("==") for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    locked = {canonicalize_name(package): version for package, version in pins}
    for each in map(Requirement, wanted):
        assert each.specifier.contains(locked[canonicalize_name(each.name)]), str(each)
