"""A service on the embedded models behind a socket, and other people's clients in an environment of their own."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.audio.decoder import Decoder
from deployments.llasa.checkpoint import load_checkpoint
from deployments.llasa.engine import Engine
from deployments.nano.weights import verified
from deployments.profiles import PROFILES
from deployments.text.wer import error_rate
from deployments.whisper.transcriber import WhisperTranscriber
from deployments.xcodec2.batcher import CodecBatcher
from deployments.xcodec2.codec import Xcodec2Codec
from tests.conftest import Models
from tests.ingress.conftest import maker
from tests.support.serving import served

TEXT = "The old man walked to the river."
_ROOT = Path(__file__).parents[2]
_PROGRAMS = Path(__file__).parent / "programs"
MODULES = Path(__file__).parent / "node_modules"
_PATIENCE = 240


@dataclass(frozen=True)
class Clients:
    """Runs programs of `programs/` against the service at a URL; they write audio into a folder."""

    url: str
    folder: Path

    def run(self, program: str) -> dict[str, Any]:
        """Returns what a program prints at its end, as JSON."""
        node = program.endswith(".mjs")
        command = environment("node" if node else "python"), str(_PROGRAMS / program), self.url, str(self.folder), TEXT
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
        except subprocess.TimeoutExpired as error:
            pytest.fail(f"{program} has not ended after {_PATIENCE} s: {error.stderr!r}")
        assert result.returncode == 0, result.stderr
        found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
        return found

    def hear(self, name: str) -> str:
        """Returns the words in a file of the folder."""
        with httpx.Client(base_url=self.url, timeout=60) as client:
            file = {"file": (self.folder / name).read_bytes()}
            answer = client.post("/v1/audio/transcriptions", data={"model": "whisper-1"}, files=file)
        text: str = answer.raise_for_status().json()["text"]
        return text


def environment(program: str) -> str:
    """Returns the path of a program in the clients' environment."""
    home = _ROOT / ".venv-clients"
    if (home / ".installed").exists():
        return str(home / "bin" / program)
    pytest.skip("The clients are not installed: `scripts/test.sh -m slow` installs them where Python 3.12 or 3.13 is.")


def is_understood(text: str) -> bool:
    """Whether most words of `TEXT` are in a transcript of its speech."""
    return error_rate(TEXT, text) <= 0.5


@pytest.fixture(scope="session")
def speaking(decoder: Decoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a service that can be understood."""
    lm = Engine(load_checkpoint(str(verified("llasa"))))
    codec = CodecBatcher(Xcodec2Codec.load(str(verified("xcodec2"))))
    models = Models(lm, codec, WhisperTranscriber.load(str(verified("whisper")), cpu_threads=1))
    try:
        with served(maker(models, decoder, tmp_path_factory.mktemp("voices"), PROFILES["nano"])()) as url:
            yield url
    finally:
        codec.close()
        lm.close()


@pytest.fixture
def clients(speaking: str, tmp_path: Path) -> Clients:
    return Clients(speaking, tmp_path)
