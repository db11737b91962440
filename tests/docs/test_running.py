"""Documented commands and examples, run against a service on the tiny models."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from deployments.service.service import SpeechService
from tests.ingress.conftest import module_service  # noqa: F401 - a fixture
from tests.support.chat import chat_model
from tests.support.clips import voice, wav_file
from tests.support.documents import ROOT, Block, blocks
from tests.support.served import served
from tests.support.serving import application_with_jobs

DOCUMENTED = "http://127.0.0.1:7861"
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def url(module_service: Callable[..., SpeechService], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: F811
    with served(application_with_jobs(module_service(), tmp_path_factory.mktemp("jobs"))) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reference.wav").write_bytes(wav_file(voice(2.0)))
    return tmp_path


def run(folder: Path, url: str, *command: str) -> str:
    environment = os.environ | {"LLASA_URL": url, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def is_audio(path: Path) -> bool:
    return path.read_bytes()[:3] in (b"RIF", b"ID3") or path.read_bytes()[0] == 0xFF


CURL = [block for block in blocks("sh") if block.code.startswith("curl ")]


@pytest.mark.parametrize("block", CURL, ids=str)
def test_a_curl_command_runs(block: Block, url: str, folder: Path) -> None:
    assert DOCUMENTED in block.code
    run(folder, url, "bash", "-ec", block.code.replace(DOCUMENTED, url))
    for path in folder.glob("speech.*"):
        assert is_audio(path)


def test_curl_commands_write_speech_to_files() -> None:
    assert sum("-o speech.wav" in block.code for block in CURL) >= 3


@pytest.mark.parametrize("block", [block for block in blocks("python") if "OpenAI(" in block.code], ids=str)
def test_a_block_with_openais_sdk_runs(block: Block, url: str, folder: Path) -> None:
    assert DOCUMENTED in block.code
    run(folder, url, sys.executable, "-c", block.code.replace(DOCUMENTED, url))
    assert is_audio(folder / "speech.mp3")


def test_the_block_with_a_websocket_runs(url: str, folder: Path) -> None:
    [block] = blocks("python", "docs/guides/live.md")
    code = block.code.replace("ws://127.0.0.1:7861", url.replace("http", "ws", 1))
    assert code != block.code
    run(folder, url, sys.executable, "-c", code)
    assert len((folder / "speech.pcm").read_bytes()) > 24_000


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="There is no espeak-ng.")
def test_espeak_makes_the_reference(folder: Path, url: str) -> None:
    (folder / "reference.wav").unlink()
    [block] = [block for block in blocks("sh") if block.code.startswith("espeak-ng ")]
    run(folder, url, "bash", "-ec", block.code)
    assert is_audio(folder / "reference.wav")


def test_the_command_line_speaks(folder: Path, url: str) -> None:
    [block] = [block for block in blocks("sh") if block.code.startswith(".venv/bin/llasa-serve say")]
    command = block.code.replace(".venv/bin/llasa-serve", f"{sys.executable} -m cli")
    run(folder, url, "bash", "-ec", command)
    assert is_audio(folder / "hello.wav")


def test_the_commands_that_move_a_voice_run(url: str, folder: Path) -> None:
    [block] = [block for block in blocks("sh") if block.code.startswith(".venv/bin/llasa-serve voices")]
    form = {"name": "narrator", "consent": "my own", "ref_text": "What is said in the clip."}
    clip = {"audio_sample": (folder / "reference.wav").read_bytes()}
    assert httpx.post(f"{url}/v1/audio/voices", data=form, files=clip, timeout=60).status_code in (
        200,
        409,
    )  # from the page's curl
    command = block.code.replace(".venv/bin/llasa-serve", f"{sys.executable} -m cli")
    run(folder, url, "bash", "-ec", command.replace("http://other.example:7861", url))
    assert httpx.get(f"{url}/v1/audio/voices/storyteller", timeout=60).json()["consent"]


def test_the_command_line_speaks_a_book_and_subtitles(folder: Path, url: str) -> None:
    (folder / "story.md").write_text("\n\n".join(f"# Chapter {number}\n\nIt was night." for number in range(1, 6)))
    (folder / "film.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nIt was night.\n")
    for block in blocks("sh"):
        if block.code.startswith(".venv/bin/llasa-serve book"):
            run(folder, url, "bash", "-ec", block.code.replace(".venv/bin/llasa-serve", f"{sys.executable} -m cli"))
    for name in ("story.m4b", "some.m4b"):
        assert (folder / name).read_bytes()[4:12] == b"ftypM4B "
    assert (folder / "film.flac").read_bytes()[:4] == b"fLaC"


def test_the_command_line_transcribes_a_long_recording(folder: Path, url: str) -> None:
    shutil.copy(folder / "reference.wav", folder / "interview.mp3")
    [block] = [block for block in blocks("sh") if block.code.startswith(".venv/bin/llasa-serve transcribe")]
    run(folder, url, "bash", "-ec", block.code.replace(".venv/bin/llasa-serve", f"{sys.executable} -m cli"))
    assert (folder / "interview.srt").is_file()


@pytest.mark.parametrize(
    ("program", "example", "arguments"),
    [
        (sys.executable, "speak.py", ["speech.mp3"]),
        (sys.executable, "clone.py", ["reference.wav", "speech.wav"]),
        ("node", "speak.mjs", ["speech.mp3"]),
        ("bash", "speak.sh", ["speech.wav"]),
    ],
)
def test_an_example_runs(program: str, example: str, arguments: list[str], folder: Path, url: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"There is no {program}.")
    run(folder, url, program, str(EXAMPLES / example), *arguments)
    assert is_audio(folder / arguments[-1])


def test_the_example_speaks_the_answer_of_a_language_model(
    folder: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with chat_model("It is blue, and so it stays. Good night.") as model:
        monkeypatch.setenv("OPENAI_BASE_URL", model)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        told = run(folder, url, sys.executable, str(EXAMPLES / "live.py"), "Why is the sky blue?", "speech.wav")
    assert told.strip() == "It is blue, and so it stays. Good night."
    assert is_audio(folder / "speech.wav")


def test_examples_are_all_run_or_checked() -> None:
    files = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*") if path.is_file()}
    assert files == {"README.md", "speak.py", "clone.py", "live.py", "speak.mjs", "speak.sh", "open-webui/compose.yaml"}


def test_the_compose_example_is_valid_and_names_the_service() -> None:
    file = EXAMPLES / "open-webui" / "compose.yaml"
    check = str(Path(sys.executable).with_name("check-jsonschema"))
    subprocess.run([check, "--builtin-schema", "vendor.compose-spec", str(file)], check=True, timeout=60)
    assert "http://llasa-serve:7861/v1" in file.read_text(encoding="utf-8")
    shell = str(Path(sys.executable).with_name("shellcheck"))
    subprocess.run([shell, str(EXAMPLES / "speak.sh")], check=True, timeout=60)
