"""The page's functions by name, through Gradio's own client."""

import struct
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

ENDPOINTS = {
    "/generate",
    "/listen",
    "/estimate",
    "/transcribe",
    "/voices",
    "/voice_sample",
    "/save_voice",
    "/rename_voice",
    "/delete_voice",
    "/models",
    "/load_model",
    "/offload_model",
    "/release_model",
    "/set_timeout",
}


@pytest.fixture(scope="module")
def client(page: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(f"{page}/en/", verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


def test_every_endpoint_has_a_name_and_says_what_it_does(client: Client) -> None:
    found: Any = client.view_api(return_format="dict", print_info=False)
    assert found["named_endpoints"].keys() == ENDPOINTS
    assert found["unnamed_endpoints"] == {}


def test_a_text_is_spoken_in_a_voice(client: Client) -> None:
    waveform, status, *_ = client.predict("Hello there.", "alloy", api_name="/generate")
    path = Path(waveform["value"] if isinstance(waveform, dict) else waveform)
    data = path.read_bytes()
    rate, size = struct.unpack("<I", data[24:28])[0], struct.unpack("<I", data[40:44])[0]
    assert (data[:4], rate, size) == (b"RIFF", 24_000, len(data) - 44)
    assert "Seed 49" in status


def test_a_clip_is_transcribed(client: Client, clip_path: Path) -> None:
    text, words, srt, _ = client.predict(handle_file(clip_path), "", True, api_name="/transcribe")
    assert text
    assert words["headers"] == ["Word", "from (s)", "to (s)"]
    assert " --> " in Path(srt["value"] if isinstance(srt, dict) else srt).read_text()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"target_text": " "}, "The text is empty."),
        ({"voice": "nobody"}, "There is no voice 'nobody'"),
        ({"temperature": 99}, "greater than maximum"),
        ({"seed": -1}, "less than minimum"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(client: Client, fields: dict[str, Any], message: str) -> None:
    given = {"target_text": "Hello there.", "voice": "alloy"} | fields
    with pytest.raises(AppError, match=message):
        client.predict(**given, api_name="/generate")
