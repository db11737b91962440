"""Copies of what was spoken, by their names."""

import errno
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.service.outputs import Outputs
from deployments.service.service import SpeechService
from tests.ingress.conftest import client_of
from tests.ingress.routes.test_tts import speak
from tests.support.refusal import refused

BODY: dict[str, Any] = {"model": "tts-1", "input": "Hello.", "voice": "alloy", "response_format": "flac"}


@pytest.fixture
def keeping(service: Callable[..., SpeechService], tmp_path: Path) -> SpeechService:
    return service(outputs_dir=tmp_path / "outputs")


async def test_whole_speech_tells_the_name_of_its_copy(keeping: SpeechService, clip: bytes) -> None:
    async with client_of(keeping) as client:
        spoken = await speak(client, clip)
        copy = await client.get(f"/api/outputs/{spoken.headers['x-output']}")
    assert copy.status_code == 200, copy.text
    assert copy.headers["content-type"] == "audio/wav"
    assert copy.content == spoken.content


async def test_the_last_event_of_a_stream_tells_the_name_of_its_copy(keeping: SpeechService) -> None:
    async with client_of(keeping) as client:
        answer = await client.post("/v1/audio/speech", json=BODY | {"stream_format": "sse", "keep": True})
        events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
        copy = await client.get(f"/api/outputs/{events[-1]['output']}")
    assert copy.headers["content-type"] == "audio/flac"
    assert copy.content.startswith(b"fLaC")


@pytest.mark.parametrize("stream", [True, False])
async def test_where_no_copy_can_be_written_the_speech_is_as_good(
    service: Callable[..., SpeechService], tmp_path: Path, stream: bool
) -> None:
    (tmp_path / "file").write_text("in the way")
    async with client_of(service()) as client:
        whole = await client.post("/v1/audio/speech", json=BODY | {"stream": stream})
    async with client_of(service(outputs_dir=tmp_path / "file")) as client:
        answer = await client.post("/v1/audio/speech", json=BODY | {"stream": stream})
    assert answer.status_code == 200
    assert answer.content == whole.content
    assert "x-output" not in answer.headers
    assert stream or "No copy of the speech could be kept" in answer.headers["x-warnings"]


def test_of_a_copy_that_cannot_be_written_whole_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "open", lambda path, mode: _Full(path, mode))
    with pytest.raises(OSError, match="No space left"):
        Outputs(tmp_path).keep(b"speech", ".wav")
    assert list(tmp_path.iterdir()) == []


class _Full(io.FileIO):
    """A file on a full disk."""

    def write(self, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


async def test_where_none_are_kept_no_name_is_told_and_a_copy_that_is_asked_for_is_refused(
    client: httpx.AsyncClient,
) -> None:
    whole = await client.post("/v1/audio/speech", json=BODY | {"stream": False})
    assert whole.status_code == 200
    assert "x-output" not in whole.headers
    events = await client.post("/v1/audio/speech", json=BODY | {"stream_format": "sse"})
    assert '"output"' not in events.text
    refused(
        await client.post("/v1/audio/speech", json=BODY | {"keep": True}), 400, "invalid_input", "keep", "OUTPUTS_DIR"
    )
    gone = await client.get("/api/outputs/20260101T000000Z-0123456789ab.wav")
    refused(gone, 404, "not_found", "name", "There is no output")


async def test_a_copy_that_was_deleted_is_not_found(keeping: SpeechService, clip: bytes, tmp_path: Path) -> None:
    async with client_of(keeping) as client:
        name = (await speak(client, clip)).headers["x-output"]
        (tmp_path / "outputs" / name).unlink()
        refused(await client.get(f"/api/outputs/{name}"), 404, "not_found", "name", name)


@pytest.mark.parametrize(
    "name",
    [
        "..%2Fsecret.wav",
        "%2e%2e%2fsecret.wav",
        "..%5Csecret.wav",
        "secret.wav",
        "%2Fetc%2Fpasswd",
        "20260101T000000Z-0123456789ab.wav%00",
        "20260101T000000Z-0123456789ab.wav%0A",
        "20260101T000000Z-0123456789ab.wav%2F..%2Fsecret.wav",
        "x" * 5_000,
    ],
)
async def test_no_other_name_leads_to_a_file(keeping: SpeechService, tmp_path: Path, name: str) -> None:
    (tmp_path / "outputs").mkdir()
    for folder in (tmp_path, tmp_path / "outputs"):
        (folder / "secret.wav").write_bytes(b"secret")
    async with client_of(keeping) as client:
        answer = await client.get(f"/api/outputs/{name}")
    assert answer.status_code == 404
    assert answer.content != b"secret"


async def test_keys_are_asked_for(service: Callable[..., SpeechService], clip: bytes, tmp_path: Path) -> None:
    key = {"x-api-key": "secret"}
    async with client_of(service(outputs_dir=tmp_path, api_key="secret")) as client:
        spoken = await client.post("/api/tts", files={"audio": clip}, data={"target_text": "Hello."}, headers=key)
        path = f"/api/outputs/{spoken.headers['x-output']}"
        assert (await client.get(path)).status_code == 401
        assert (await client.get(path, headers=key)).content == spoken.content
