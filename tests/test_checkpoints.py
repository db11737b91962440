import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from deployments.checkpoints import fetch_checkpoint, identity
from deployments.errors import Unavailable
from deployments.nano.weights import FOLDER, version
from deployments.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, models_cache_dir=tmp_path / "cache")  # type: ignore[call-arg]


class Hub(ThreadingHTTPServer):
    """A hub on loopback that answers every request with one status, and remembers what it was asked."""

    status = 404
    error_code = "RepoNotFound"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[tuple[str, str | None]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("authorization")))
        self.send_response(self.server.status)
        self.send_header("X-Error-Code", self.server.error_code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with Hub() as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        yield hub
        hub.shutdown()


def test_a_local_folder_is_used_as_it_is(settings: Settings, tmp_path: Path) -> None:
    assert fetch_checkpoint(str(tmp_path), settings) == tmp_path


@pytest.mark.parametrize("source", ["/nowhere/llasa", "./llasa", "~/nowhere/llasa", "llasa", "a/b/c"])
def test_a_folder_that_does_not_exist_is_named(source: str, settings: Settings) -> None:
    with pytest.raises(Unavailable, match=f"There is no checkpoint folder {source}"):
        fetch_checkpoint(source, settings)


def test_a_repository_that_the_hub_does_not_know_is_told_with_what_to_do(settings: Settings, hub: Hub) -> None:
    settings = settings.model_copy(update={"hf_endpoint": hub.url, "hf_token": SecretStr("hf_mine")})
    with pytest.raises(Unavailable, match=r"The hub knows no owner/llasa.*HF_TOKEN"):
        fetch_checkpoint("owner/llasa", settings)
    path, authorization = hub.asked[0]
    assert path.startswith("/api/models/owner/llasa")
    assert authorization == "Bearer hf_mine"


def test_a_gated_repository_is_told_with_what_to_do(settings: Settings, hub: Hub) -> None:
    hub.status, hub.error_code = 403, "GatedRepo"
    with pytest.raises(Unavailable, match=r"owner/llasa is gated: accept its licence.*HF_TOKEN"):
        fetch_checkpoint("owner/llasa", settings.model_copy(update={"hf_endpoint": hub.url}))


def test_a_hub_that_cannot_be_reached_is_told_with_what_to_do(settings: Settings) -> None:
    with pytest.raises(Unavailable, match=r"the hub cannot be reached.*HF_ENDPOINT.*PROFILE=nano"):
        fetch_checkpoint("owner/llasa", settings)


@pytest.mark.parametrize("name", ["llasa", "xcodec2", "whisper"])
def test_the_embedded_checkpoints_are_used_where_they_are_installed(name: str, settings: Settings) -> None:
    folder = fetch_checkpoint(f"nano:{name}", settings)
    assert (folder / "config.json").is_file()
    assert not settings.models_cache_dir.exists()


def test_there_are_no_other_embedded_checkpoints(settings: Settings) -> None:
    with pytest.raises(Unavailable, match=r"no checkpoint nano:bark"):
        fetch_checkpoint("nano:bark", settings)


def test_codes_of_a_shipped_checkpoint_are_stored_with_its_version(tmp_path: Path) -> None:
    name, _, digest = identity("nano:xcodec2").partition("@")
    assert name == "nano:xcodec2"
    assert digest == version("xcodec2")
    sums = json.loads((FOLDER / "checksums.json").read_text())
    (tmp_path / "checksums.json").write_text(json.dumps(sums | {"xcodec2/config.json": "0" * 64}))
    assert version("xcodec2", tmp_path) != digest
    assert version("llasa", tmp_path) == version("llasa")
    assert identity("me/codec") == "me/codec"
