"""A service behind a real socket, for commands."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.service.service import SpeechService
from tests.ingress.conftest import clip, service  # noqa: F401 - fixtures
from tests.support.serving import served


@pytest.fixture
def url(service: Callable[..., SpeechService], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:  # noqa: F811
    with served(service()) as url:
        monkeypatch.setenv("LLASA_URL", url)
        yield url


@pytest.fixture
def reference(tmp_path: Path, clip: bytes) -> Path:  # noqa: F811
    path = tmp_path / "reference.wav"
    path.write_bytes(clip)
    return path


@pytest.fixture
def folder(tmp_path: Path, reference: Path) -> Path:
    folder = tmp_path / "allowed"
    folder.mkdir()
    (folder / "reference.wav").write_bytes(reference.read_bytes())
    return folder


@pytest.fixture
def by_path(folder: Path) -> dict[str, Any]:
    return {"audio_path": str(folder / "reference.wav"), "ref_text": "A reference."}


@pytest.fixture
def as_base64(reference: Path) -> dict[str, Any]:
    return {"audio_base64": base64.b64encode(reference.read_bytes()).decode(), "ref_text": "A reference."}
