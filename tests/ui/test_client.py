"""The page's functions by name, through Gradio's own client."""

import json
import re
import struct
import time
from html import unescape
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from tests.support.clips import voice, wav_file
from tests.support.documents import blocks

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
    "/export_voice",
    "/import_voice",
    "/read_book",
    "/preview_book",
    "/start_book",
    "/jobs",
    "/recordings",
    *(f"/{action}_{kind}" for action in ("pause", "resume", "retry", "delete") for kind in ("job", "recording")),
    "/pronunciations",
    "/add_pronunciation",
    "/delete_pronunciation",
    "/models",
    "/state",
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


def test_what_functions_return_has_names(client: Client) -> None:
    found: Any = client.view_api(return_format="dict", print_info=False)
    returned = found["named_endpoints"]["/generate"]["returns"]
    assert [each["label"] for each in returned] == [
        "The speech", "Progress", "The speech, while it is generated", "Download", "Takes of this session", "Captions",
    ]  # fmt: skip
    assert not [
        each["label"]
        for function in found["named_endpoints"].values()
        for each in function["returns"]
        if each["label"].startswith("value_")
    ]


def test_a_client_of_the_root_speaks_too(page: str, tmp_path: Path) -> None:
    root = Client(f"{page}/", verbose=False, download_files=tmp_path)
    waveform, *_ = root.predict("Hello there.", "alloy", api_name="/generate")
    path = Path(waveform["value"] if isinstance(waveform, dict) else waveform)
    assert path.read_bytes()[:4] == b"RIFF"


def test_a_text_is_spoken_in_a_voice(client: Client) -> None:
    waveform, status, *_ = client.predict("Hello there.", "alloy", api_name="/generate")
    path = Path(waveform["value"] if isinstance(waveform, dict) else waveform)
    data = path.read_bytes()
    rate, size = struct.unpack("<I", data[24:28])[0], struct.unpack("<I", data[40:44])[0]
    assert (data[:4], rate, size) == (b"RIFF", 24_000, len(data) - 44)
    assert "Seed 49" in status


def test_the_call_in_the_guide_works(page: str) -> None:
    [block] = blocks("python", "docs/guides/page.md")
    code = block.code.replace("http://127.0.0.1:7861/ui", page)
    assert code != block.code
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own
    assert names["file"]


def test_a_clip_is_transcribed(client: Client, clip_path: Path) -> None:
    text, words, srt, *_ = client.predict(handle_file(clip_path), "", True, api_name="/transcribe")
    assert text
    assert words["headers"] == ["Word", "from (s)", "to (s)"]
    assert " --> " in Path(srt["value"] if isinstance(srt, dict) else srt).read_text()


def test_a_long_recording_is_transcribed_in_the_background(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(wav_file(voice(301)))
    text, *_, status, id = client.predict(handle_file(path), "", True, api_name="/transcribe")
    assert text == ""
    assert "“talk.wav” is long" in status
    deadline = time.monotonic() + 120
    while "SRT" not in (shown := str(client.predict(id, api_name="/recordings")["props"]["jobs"])):
        assert "talk.wav" in shown
        assert time.monotonic() < deadline
        time.sleep(0.2)
    (address,) = re.findall(r'href="([^"]+transcript[^"]+format=srt[^"]+)"', unescape(shown))
    answer = httpx.get(urljoin(client.src, address))
    assert answer.status_code == 200
    assert "talk.wav.srt" in answer.headers["content-disposition"]
    assert httpx.get(urljoin(client.src, address.replace("owner=", "owner=x"))).status_code == 404
    assert "talk.wav" not in listed(client, id)
    client.predict(id, api_name="/delete_recording")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"input": " "}, "The text is empty."),
        ({"voice": "nobody"}, "There is no voice 'nobody'"),
        ({"temperature": 99}, "greater than maximum"),
        ({"seed": -1}, "less than minimum"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(client: Client, fields: dict[str, Any], message: str) -> None:
    given = {"input": "Hello there.", "voice": "alloy"} | fields
    with pytest.raises(AppError, match=message):
        client.predict(**given, api_name="/generate")


def listed(client: Client, chosen: str) -> str:
    return str(client.predict(chosen, api_name="/jobs")["props"]["jobs"])


def test_a_book_is_started_and_deleted(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "story.md"
    path.write_text("# One\n\nHello there.\n\n# Two\n\nHello.")
    book = handle_file(path)
    notes, chapters, title, author, paragraph = client.predict(book, api_name="/read_book")
    assert "2 chapters" in notes
    assert [number for _, number in chapters["choices"]] == [1, 2]
    assert (title, author, paragraph) == ("story", "", "Hello there.")
    id, status = client.predict(book, [2], "A story", "", "alloy", api_name="/start_book")
    assert "“A story” is in the list." in status
    assert "A story" in listed(client, id)
    client.predict(id, api_name="/delete_job")
    assert id not in listed(client, id)
    with pytest.raises(AppError, match="There is no job"):
        client.predict(id, api_name="/pause_job")


def test_a_voice_travels_in_a_bundle(client: Client, clip_path: Path) -> None:
    client.predict("traveller", handle_file(clip_path), "my own voice", "A reference.", api_name="/save_voice")
    bundle = client.predict("traveller", api_name="/export_voice")
    client.predict("traveller", api_name="/delete_voice")
    assert "traveller" in client.predict(handle_file(bundle), api_name="/import_voice")
    client.predict("traveller", api_name="/delete_voice")


def test_nothing_but_an_upload_is_taken_for_a_clip(page: str, clip_path: Path) -> None:
    functions = ("listen", "read_book", "import_voice")
    paths = (str(clip_path), "/etc/hostname", "/dev/zero", "http://127.0.0.1/clip.wav")
    for function, path in product(functions, paths):
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        answer = httpx.post(f"{page}/en/gradio_api/run/{function}", json={"data": [file]}, timeout=30)
        assert answer.status_code == 500
        assert "text" not in answer.text
        assert "hostname" not in answer.json().get("data", "")


def test_what_is_no_number_ends_nothing(page: str, client: Client) -> None:
    fields = ["Hello there.", "alloy", None, "", 1, 0.9, False, None, "24000", "TOP_K", 0.95, 1.1, "Convert"]
    body = json.dumps({"data": fields, "session_hash": "x"}).replace('"TOP_K"', "NaN")
    httpx.post(
        f"{page}/en/gradio_api/run/generate", content=body, headers={"content-type": "application/json"}, timeout=60
    )
    assert client.predict("Hello there.", "alloy", seed=None, api_name="/generate")


def test_uploaded_pages_are_not_shown(page: str) -> None:
    path = httpx.post(
        f"{page}/en/gradio_api/upload", files={"files": ("x.html", b"<script>alert(1)</script>", "text/html")}
    ).json()[0]
    answer = httpx.get(f"{page}/en/gradio_api/file={path}", timeout=60)
    assert answer.headers.get("content-disposition", "").startswith("attachment") or answer.status_code == 403
