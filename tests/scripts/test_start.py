"""scripts/start.sh and the commands of the README and the guides, as a person types them."""

import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from deployments.text.wer import tokens
from deployments.voices.shipped import shipped_voices
from tests.support.documents import blocks, read
from tests.support.ports import free_port
from tests.support.started import Started, without_settings

ROOT = Path(__file__).parent.parent.parent
TOOLS = ["awk", "bash", "basename", "cat", "df", "dirname", "env", "sha256sum"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"API_PORT": str(free_port()), "PROFILE": "nano", "MODELS_CACHE_DIR": str(tmp_path / "cache")}


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Callable[..., Started]]:
    """Runs start.sh with further settings."""
    with ExitStack() as stack:

        def run(**settings: str) -> Started:
            started = Started(["scripts/start.sh"], ROOT, environment | settings)
            stack.callback(started.end)
            return started

        yield run


def traced(family: list[psutil.Process]) -> set[str]:
    """What has written spans: deployments, and Serve's own."""
    options = [option for process in family for option in process.cmdline()]
    [session] = {option.partition("=")[2] for option in options if option.startswith("--session_dir=")}
    files = Path(session, "logs", "serve", "spans").glob("*.json")
    components = [file.name.split("_") for file in files if '"trace_id"' in file.read_text(encoding="utf-8")]
    return {parts[2] if parts[0] == "replica" else parts[0] for parts in components}


def loaded_by_themselves(url: str) -> bool:
    """Whether all models become ready though nothing is asked of them."""
    for _ in range(600):
        models = httpx.get(f"{url}/api/gpu/status", timeout=30).json()["models"]
        if all(model["state"] == "ready" for model in models.values()):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.cluster
def test_the_documented_commands_start_speak_and_stop(
    start: Callable[..., Started], environment: dict[str, str], tmp_path: Path
) -> None:
    tracing = dict(re.findall(r"(RAY_SERVE_TRACING_\w+)=(\S+)", read("docs/guides/monitoring.md")))
    assert len(tracing) == 2
    service = start(**tracing)
    url = f"http://127.0.0.1:{environment['API_PORT']}"
    told = service.until("Ctrl-C stops it.")
    assert f"{url}/api/tts" in told
    assert "Llasa: healthy" in told
    assert loaded_by_themselves(url)

    clip = httpx.get(f"{url}/v1/audio/voices/alloy/sample", timeout=120).raise_for_status()
    (tmp_path / "reference.wav").write_bytes(clip.content)
    built_in, cloned = (block.code for block in blocks("sh", "README.md") if block.code.startswith("curl"))
    for curl in (built_in, cloned):
        command = curl.replace("http://127.0.0.1:7861", url)
        command = command.replace("What is said in the clip.", shipped_voices()["alloy"].text)
        subprocess.run(["bash", "-ec", command], cwd=tmp_path, check=True, timeout=120)
    assert (tmp_path / "speech.mp3").stat().st_size > 1000
    with wave.open(str(tmp_path / "speech.wav")) as speech:
        assert (speech.getframerate(), speech.getnchannels()) == (16_000, 1)
        assert speech.getnframes() > 0
    say = next(block.code for block in blocks("sh", "docs/guides/clone-a-voice.md") if "llasa-serve say" in block.code)
    command = say.replace(".venv", f"{ROOT}/.venv")
    subprocess.run(
        ["bash", "-ec", command], cwd=tmp_path, env=without_settings() | {"LLASA_URL": url}, check=True, timeout=120
    )
    written = httpx.post(f"{url}/api/transcribe", files={"audio": (tmp_path / "hello.wav").read_bytes()}, timeout=60)
    heard = tokens(written.json()["text"])
    assert len({"hello", "this", "is", "my", "voice"} & set(heard)) >= 3, heard
    assert httpx.get(f"{url}/health", timeout=30).status_code == 200

    family = service.family()
    assert family
    assert {"proxy", "Ingress", "Llasa", "XCodec2", "Whisper"} <= traced(family)
    sentence = {"input": "All work and no play makes Jack a dull boy. " * 4, "voice": "alloy", "response_format": "pcm"}
    whole = httpx.post(f"{url}/v1/audio/speech", json=sentence, timeout=120).content
    with httpx.stream("POST", f"{url}/v1/audio/speech", json=sentence, timeout=120) as speaking:
        parts = speaking.iter_bytes()
        begun = next(parts)
        service.process.send_signal(signal.SIGINT)
        service.until("Stopping")
        assert begun + b"".join(parts) == whole
    service.process.send_signal(signal.SIGTERM)  # impatience changes nothing else
    assert "Stopped" in service.until(None)
    assert service.process.returncode == 0
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []


@pytest.mark.cluster
def test_a_checkpoint_that_is_not_there_is_told_with_what_to_do(start: Callable[..., Started]) -> None:
    service = start(LLASA_MODEL_PATH="/nowhere/llasa")
    told = service.until(None)
    assert service.process.returncode == 1
    assert "The service did not start. There is no checkpoint folder /nowhere/llasa: name one that exists" in told
    assert "Traceback" not in told


@pytest.mark.cluster
def test_a_profile_for_gpus_is_refused_where_there_are_none(start: Callable[..., Started]) -> None:
    service = start(PROFILE="llasa-8b", CUDA_VISIBLE_DEVICES="")
    told = service.until(None)
    assert service.process.returncode == 1
    assert "The service did not start. The profile llasa-8b needs a GPU, and Ray finds none" in told
    assert "Checkpoint" not in told


@pytest.mark.cluster
def test_weights_that_need_a_gpu_are_refused_where_the_profile_uses_the_cpu(start: Callable[..., Started]) -> None:
    service = start(PROFILE="nano", LLASA_WEIGHTS="fp8")
    told = service.until(None)
    assert service.process.returncode == 1
    assert "The service did not start. LLASA_WEIGHTS=fp8 needs a GPU, and the profile nano uses the CPU" in told


def test_a_port_in_use_is_told_before_anything_starts(
    start: Callable[..., Started], environment: dict[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", int(environment["API_PORT"]))):
        told = start().until(None)
    assert f"127.0.0.1:{environment['API_PORT']} cannot be listened on" in told
    assert "API_PORT" in told.splitlines()[-1]


def test_a_wrong_setting_is_named(start: Callable[..., Started]) -> None:
    told = start(PROFILE="huge").until(None)
    assert "PROFILE='huge'" in told
    assert "Traceback" not in told


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """As much of a fresh clone as start.sh reads before it installs, with a PATH of its own."""
    for name in ("scripts", "bin"):
        (tmp_path / name).mkdir()
    for name in ("scripts/start.sh", "scripts/environment.sh", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def run(clone: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(clone / "scripts/start.sh")],
        env={"PATH": str(clone / "bin")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_missing_python_is_told(clone: Path) -> None:
    result = run(clone)
    assert result.returncode == 1
    assert result.stderr.startswith("Python 3.11 is needed")


def test_a_full_disk_is_told_before_anything_is_written(clone: Path) -> None:
    (clone / "bin/python3.11").symlink_to(sys.executable)
    (clone / "bin/df").unlink()
    (clone / "bin/df").write_text("#!/usr/bin/env bash\nprintf 'head\\n/dev/x 100 95 12 95%% /\\n'\n")
    (clone / "bin/df").chmod(0o755)
    result = run(clone)
    assert result.returncode == 1
    assert "The disk has 12 MB free" in result.stderr
    assert not (clone / ".venv").exists()
