"""Dockerfile and compose.yaml. No image is built here: what can be known without an engine is."""

import json
import re
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from cli.__main__ import build_parser
from cli.check.environment import COMPOSE
from cli.serve.local import RAY_ENVIRONMENT
from deployments.settings import Settings
from tests.k8s.overlays import OVERLAYS, manifests
from tests.support.documents import read
from tests.support.ports import free_port
from tests.support.started import Started

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
COMPOSED: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSED["services"]


def run(*command: str) -> None:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def stage(name: str) -> str:
    """The instructions of a stage of the Dockerfile."""
    [found] = re.findall(rf"^FROM \S+ AS {name}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    return str(found)


def copied() -> list[str]:
    """What the image takes from this tree."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def test_hadolint_finds_nothing() -> None:
    run(tool("hadolint"), "Dockerfile")


def test_ray_has_the_same_environment_in_the_image_as_in_a_local_start() -> None:
    for name, value in RAY_ENVIRONMENT.items():
        assert f" {name}={value} " in DOCKERFILE


def test_shellcheck_finds_nothing() -> None:
    scripts = [str(path.relative_to(ROOT)) for path in [*sorted((ROOT / "scripts").glob("*.sh")), ROOT / ".ci" / "run"]]
    run(tool("shellcheck"), "-x", *scripts)


def test_compose_yaml_is_valid() -> None:
    run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "compose.yaml")


def test_the_image_is_of_the_ray_and_python_that_are_locked() -> None:
    bases = re.findall(r"^FROM (rayproject/\S+)", DOCKERFILE, re.MULTILINE)
    assert bases == [f"rayproject/ray:{version('ray')}-py{sys.version_info.major}{sys.version_info.minor}-cpu"]
    assert f"ray=={version('ray')}" in (ROOT / "requirements.lock").read_text().splitlines()


@pytest.mark.parametrize(("target", "build"), [("cpu", "cpu"), ("gpu", "$CUDA_BUILD")])
def test_each_image_has_the_build_of_the_locked_torch_for_its_machines(target: str, build: str) -> None:
    assert f"COPY --from=packages-{target} " in stage(target)
    packages = stage(f"packages-{target}")
    assert f"https://download.pytorch.org/whl/{build}" in packages
    assert f'"$(grep ^torch== /build/requirements.lock)+{build}" --requirement /build/requirements.lock' in packages
    assert {name: service["build"]["target"] for name, service in SERVICES.items()} == {
        "llasa-serve": "gpu",
        "llasa-serve-cpu": "cpu",
    }


def test_all_that_is_copied_exists_and_is_sent_to_the_engine() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert "*" in ignored
    for source in copied():
        assert (ROOT / source).exists(), source
        assert source in sent, source
    assert sent == set(copied())


def test_the_image_holds_every_package_of_ours_and_the_configuration_that_it_runs() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "scripts"}
    assert packages <= set(copied())
    command = json.loads(re.findall(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)[-1])
    given = build_parser().parse_args(command[1:])
    assert (command[0], given.command) == ("llasa-serve", "serve")
    assert re.search(rf"^COPY {given.config} /app/$", DOCKERFILE, re.MULTILINE)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`llasa-serve` of the Dockerfile's `code` stage, made of the copied files alone, in an environment of its own."""
    folder = tmp_path_factory.mktemp("image")
    for source in copied():
        run("cp", "-r", str(ROOT / source), str(folder))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder / "wheels"), str(folder))
    [wheel] = (folder / "wheels").glob("*.whl")
    venv = folder / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", str(venv))
    # Shares the locked packages. A .pth of theirs is not read, so that the wheel is the only llasa-serve there.
    [site] = venv.glob("lib/python*/site-packages")
    packages = [path for path in sys.path if path.endswith("site-packages")]
    (site / "locked.pth").write_text("\n".join(packages), encoding="utf-8")
    run(*pip, "--python", str(venv / "bin" / "python"), "install", "--no-deps", "--no-index", str(wheel))
    return venv / "bin" / "llasa-serve"


def test_the_wheel_checks_manifests(installed: Path, tmp_path: Path) -> None:
    result = subprocess.run(
        [installed, "check", "-", str(ROOT / ".env.example")],
        input=yaml.safe_dump_all(manifests("nano")),
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "RAY_AUTH_MODE": "disabled", "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.cluster
@pytest.mark.slow
def test_the_wheel_starts_the_service_and_its_root_is_the_page(installed: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [str(installed), "serve", "--port", str(port), "--profile", "nano"]
    folders = {"VOICES_DIR": str(tmp_path / "voices"), "JOBS_DIR": str(tmp_path / "jobs")}
    service = Started(command, tmp_path, {"PYTHONPATH": "", **folders})
    try:
        service.until("Ctrl-C stops it.")
        for method in ("GET", "HEAD"):
            page = httpx.request(method, f"http://127.0.0.1:{port}/", follow_redirects=True, timeout=60)
            assert (page.status_code, page.url.path) == (200, "/ui/en/")
        assert "Llasa Serve" in httpx.get(page.url, timeout=60).text
        service.process.send_signal(signal.SIGINT)
        assert "Stopped" in service.until(None)
    finally:
        service.end()
    assert service.process.returncode == 0


def test_nothing_runs_as_root() -> None:
    for target in ("cpu", "gpu"):
        assert re.findall(r"^USER (\S+)", stage(target), re.MULTILINE)[-1] == "1000:100"
    for name in OVERLAYS:
        service = next(body for body in manifests(name) if body["kind"] == "RayService")
        cluster = service["spec"]["rayClusterConfig"]
        for group in [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]:
            security = group["template"]["spec"]["securityContext"]
            assert (security["runAsUser"], security["runAsGroup"], security["runAsNonRoot"]) == (1000, 100, True)


@pytest.mark.parametrize("name", SERVICES)
def test_three_ports_lead_to_the_one_that_the_image_listens_on(name: str) -> None:
    port = re.search(r"API_PORT=(\d+)", DOCKERFILE)
    assert port
    ports = [re.sub(r"\$\{\w+:-([^}]+)\}", r"\1", entry) for entry in SERVICES[name]["ports"]]
    assert ports[:3] == [f"127.0.0.1:{outer}:{port[1]}" for outer in (7860, 7861, 7862)]
    assert ports[3:] == [f"127.0.0.1:8080:{SERVICES[name]['environment']['METRICS_PORT']}"]
    assert f"http://127.0.0.1:{port[1]}/-/healthz" in DOCKERFILE
    assert SERVICES[name]["environment"]["API_PORT"] == port[1]


def test_compose_reads_only_variables_that_are_documented() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    variables = set(re.findall(r"\$\{(\w+)", text))
    settings = {name.upper() for name in Settings.model_fields}
    assert variables - settings == COMPOSE
    guide = read("docs/guides/docker.md")
    assert all(f"`{name}`" in guide for name in COMPOSE)


@pytest.mark.parametrize("name", SERVICES)
def test_the_container_sets_only_settings_that_there_are(name: str) -> None:
    settings = {field.upper() for field in Settings.model_fields}
    assert SERVICES[name]["environment"].keys() <= settings


def test_only_the_gpu_service_asks_for_gpus() -> None:
    asked = {name: service["deploy"]["resources"].get("reservations") for name, service in SERVICES.items()}
    assert asked["llasa-serve-cpu"] is None
    assert asked["llasa-serve"] is not None
    assert asked["llasa-serve"]["devices"][0]["capabilities"] == ["gpu"]


@pytest.mark.parametrize("name", SERVICES)
def test_what_must_last_is_on_volumes_and_logs_are_turned_over(name: str) -> None:
    service = SERVICES[name]
    mounts = {entry.split(":")[1]: entry.split(":")[0] for entry in service["volumes"]}
    assert set(json.loads(re.findall(r"^VOLUME (.+)$", DOCKERFILE, re.MULTILINE)[0])) == set(mounts)
    assert set(mounts.values()) <= set(COMPOSED["volumes"])
    for setting in ("MODELS_CACHE_DIR", "OUTPUTS_DIR", "VOICES_DIR", "JOBS_DIR"):
        assert any(service["environment"][setting].startswith(folder) for folder in mounts)
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


def test_every_manifest_runs_the_image_that_is_built_here() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    images = set()
    for name in OVERLAYS:
        images |= set(re.findall(r"'image': '(llasa-serve:[^']+)'", str(manifests(name))))
    assert images == {f"llasa-serve:{version[1]}-cpu", f"llasa-serve:{version[1]}-gpu"}
    assert SERVICES["llasa-serve"]["image"] == f"llasa-serve:${{IMAGE_TAG:-{version[1]}}}-gpu"
