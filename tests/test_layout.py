"""Rules of the source tree that hold its rooms apart."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for room in ("deployments", "ui") for path in (ROOT / room).rglob("*.py"))
AT_THE_DOOR = {
    "deployments/app.py",
    "deployments/ingress/remote_models.py",
    "deployments/ingress/serve_metrics.py",
    "deployments/remote.py",
    "deployments/residency/cluster_store.py",
    "deployments/residency/policy.py",
    "deployments/residency/replica.py",
    "deployments/residency/serve_residency.py",
    "ui/app.py",
}


def imported(path: Path) -> set[str]:
    """Top-level packages that a file imports, anywhere in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_ray_is_imported_only_at_the_door(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    if path.name != "deployment.py" and name not in AT_THE_DOOR:
        assert "ray" not in imported(path)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_holds_two_nouns(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    assert path.stem not in {"utils", "helpers", "common", "manager"}


def packages_imported(path: Path) -> set[str]:
    """Rooms of `deployments` that a file imports, and modules that belong to no room."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return {module.split(".")[1] for module in modules if module.startswith("deployments.")}


def test_no_rooms_import_each_other_in_circles() -> None:
    graph: dict[str, set[str]] = {}
    for path in (ROOT / "deployments").rglob("*.py"):
        room = path.relative_to(ROOT / "deployments").parts[0].removesuffix(".py")
        graph.setdefault(room, set()).update(packages_imported(path) - {room})
    list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


def test_importing_the_graph_loads_no_model_library() -> None:
    heavy = "{'torch', 'transformers', 'faster_whisper', 'av', 'soxr', 'gradio'}"
    code = f"import sys, deployments.app, ui.app; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert out.stdout.strip() == "[]"
