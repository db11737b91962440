"""What the documentation tells a person to type: each command is run by a test, or its parts are checked here."""

import json
import re
import shlex
import subprocess
from importlib.util import find_spec

import pytest
import yaml

from cli.__main__ import build_parser
from deployments.profiles import PROFILES
from tests.support.documents import PAGES, ROOT, Block, blocks

SHELL = blocks("sh")
COMMANDS = "batch|check|fetch|convert-codec|say|book|jobs|transcribe|voices|status|mcp"
RUN_BY_TESTS = (
    "curl ",
    "espeak-ng ",
    "scripts/start.sh",
    "RAY_SERVE_TRACING",
    ".venv/bin/llasa-serve say",
    ".venv/bin/llasa-serve book",
    ".venv/bin/llasa-serve transcribe",
    ".venv/bin/llasa-serve voices",
)
"""Beginnings of blocks that `test_running` and `tests/scripts/test_start.py` run."""
CHECKED_HERE = (
    "scripts/test.sh",
    ".venv/bin/llasa-serve fetch",
    ".venv/bin/llasa-serve batch",
    ".venv/bin/llasa-serve convert-codec",
    "docker ",
    "# 1. Build",
    "kubectl ",
    "ruff ",
)
"""Beginnings of blocks whose programs are not here, or that run all tests."""
TOOLS = {"ruff", "mypy", "pytest", "pip", "pre-commit"}


def lines(text: str) -> list[str]:
    """Commands of a block, without comments and with continued lines joined."""
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]


def words(line: str) -> list[str]:
    return shlex.split(line.replace("\\n", ""), comments=True)


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_a_shell_block_is_run_or_checked(block: Block) -> None:
    assert block.code.startswith((*RUN_BY_TESTS, *CHECKED_HERE))
    subprocess.run(["bash", "-n"], input=block.code, text=True, check=True)


@pytest.mark.parametrize("block", [*blocks("python"), *blocks("json")], ids=str)
def test_a_block_of_code_can_be_parsed(block: Block) -> None:
    if block.language == "python":
        compile(block.code, str(block.page), "exec")
    else:
        json.loads(block.code)


def test_every_llasa_serve_command_is_accepted_by_its_parser() -> None:
    found = 0
    for block in SHELL:
        for line in lines(block.code):
            if match := re.search(rf"\bllasa-serve ((?:{COMMANDS})\b.*)", line):
                given = build_parser().parse_args(words(match[1]))
                assert getattr(given, "profile", None) in {*PROFILES, None}
                found += 1
    assert found >= 4


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_modules_and_scripts_that_a_page_names_exist(page: object) -> None:
    assert page in PAGES
    text = page.read_text(encoding="utf-8")
    for module in re.findall(r"python -m (scripts[\w.]*)", text):
        assert find_spec(module), module
    for path in re.findall(r"`((?:scripts|deployments|cli|ui|tests|k8s|docs|examples)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target


def test_compose_commands_name_services_of_compose_yaml() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    named = {
        word.partition(":")[0]
        for block in blocks("sh", "docs/guides/docker.md")
        for line in lines(block.code)
        for word in words(line)[2:]
        if word.startswith("llasa-serve")
    }
    assert named == set(services)


def test_kubectl_commands_name_overlays_and_objects_that_exist() -> None:
    from tests.k8s.overlays import OVERLAYS, manifests

    [text] = {"\n".join(block.code for block in blocks("sh", "docs/guides/kubernetes.md"))}
    for name in re.findall(r"k8s/([\w-]+)(?=[ \n]|/kust)", text):
        assert name in OVERLAYS
    objects = {f"{body['kind'].lower()}/{body['metadata']['name']}" for body in manifests("one-gpu")}
    for kind, name in re.findall(r"\b(job|rayservice)/([\w-]+)", text):
        assert f"{kind}/{name}" in objects
    namespaces = {body["metadata"].get("namespace") for body in manifests("one-gpu")} - {None}
    assert set(re.findall(r"kubectl -n (\S+)", text)) == namespaces


def test_contributors_tools_are_dependencies_of_the_tests() -> None:
    for block in blocks("sh", "CONTRIBUTING.md"):
        for line in lines(block.code):
            for command in line.split("&&"):
                program = words(command)[0]
                assert program in TOOLS or (ROOT / program).is_file(), program
