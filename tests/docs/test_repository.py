"""Files for GitHub and pre-commit. Neither runs here: their schemas and the programs that they name are checked."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.documents import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TOOLS = {"ruff", "deptry", "mypy", "shellcheck", "hadolint", "mkdocs"}


def validate(schema: str, *files: Path) -> None:
    tool = str(Path(sys.executable).with_name("check-jsonschema"))
    command = [tool, "--builtin-schema", schema, *map(str, files)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_workflows_are_valid() -> None:
    validate("vendor.github-workflows", *WORKFLOWS)


def test_dependabot_is_valid() -> None:
    validate("vendor.dependabot", ROOT / ".github" / "dependabot.yml")


def test_the_citation_is_valid() -> None:
    validate("vendor.citation-file-format", ROOT / "CITATION.cff")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_says_that_it_has_never_run_here(workflow: Path) -> None:
    assert workflow.read_text(encoding="utf-8").startswith("# Never run here.")


def test_the_lint_workflow_runs_the_checks_of_test_sh() -> None:
    lint = (ROOT / ".github" / "workflows" / "lint.yml").read_text(encoding="utf-8")
    script = (ROOT / "scripts" / "test.sh").read_text(encoding="utf-8")
    checks = re.findall(r"^(?:ruff|deptry|mypy)\b.*$", script, re.MULTILINE)
    assert len(checks) >= 4
    assert set(checks) <= set(re.findall(r"^ +- run: (.+)$", lint, re.MULTILINE))


def test_hooks_run_tools_that_the_tests_install() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    local = [hook for repo in hooks["repos"] if repo["repo"] == "local" for hook in repo["hooks"]]
    assert len(local) == sum(len(repo["hooks"]) for repo in hooks["repos"])
    programs = {hook["entry"].split()[0] for hook in local}
    assert programs <= {f".venv/bin/{tool}" for tool in (*TOOLS, "python")}
    assert {hook["id"] for hook in local} >= {"ruff-check", "ruff-format", "mypy", "shellcheck"}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_a_lock_has_nothing_but_pins(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
