"""What clients do with HTTP itself: HEAD, ranges, slashes, preflights, uploads."""

from pathlib import Path

import httpx
import pytest

from deployments.audio.decoder import Decoder
from tests.ingress.clients.test_fields import BODY, SPEECH
from tests.ingress.conftest import client_of
from tests.support.clips import voice, wav_file
from tests.support.noted import noted_service
from tests.support.refusal import refused


async def test_head_is_answered_by_every_route_that_takes_get(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    routes = [path for path, operations in paths.items() if "get" in operations]
    assert len(routes) >= 8
    for route in [*routes, "/", "/apidocs", "/openapi.json"]:
        path = route.replace("{model}", "tts-1").replace("{voice}", "alloy").replace("{name}", "none")
        head, get = await client.head(path), await client.get(path)
        assert (head.status_code, head.content) == (get.status_code, b""), path
        assert head.headers.get("content-type") == get.headers.get("content-type"), path


@pytest.mark.parametrize("path", ["/v1/audio/voices/alloy/sample", "output"])
async def test_players_can_seek_in_audio_files(client: httpx.AsyncClient, path: str) -> None:
    if path == "output":
        spoken = await client.post(SPEECH, json=BODY | {"stream": False, "keep": True})
        path = f"/api/outputs/{spoken.headers['x-output']}"
    whole = await client.get(path)
    assert (whole.status_code, whole.headers["accept-ranges"]) == (200, "bytes")
    data, size = whole.content, len(whole.content)
    for given, expected in {"0-9": data[:10], "10-": data[10:], "-20": data[-20:], f"5-{size + 9}": data[5:]}.items():
        part = await client.get(path, headers={"range": f"bytes={given}"})
        assert (part.status_code, part.content) == (206, expected)
        first = size - len(expected) if given != "0-9" else 0
        assert part.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{size}"
    beyond = await client.get(path, headers={"range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    for given in ("bytes=9-1", "bytes=0-1,4-5", "bytes=-", "lines=1-2", f"bytes={'9' * 5000}-"):
        assert (await client.get(path, headers={"range": given})).content == data
    changed = {"range": "bytes=0-9", "if-range": '"other"'}
    assert (await client.get(path, headers=changed)).content == data
    same = changed | {"if-range": whole.headers["etag"]}
    assert (await client.get(path, headers=same)).content == data[:10]


async def test_a_slash_at_the_end_changes_nothing(client: httpx.AsyncClient) -> None:
    assert (await client.post(f"{SPEECH}/", json=BODY)).status_code == 200
    assert (await client.get("/v1/models//")).json() == (await client.get("/v1/models")).json()


async def test_a_slash_at_the_end_does_not_evade_keys_or_turns(decoder: Decoder, tmp_path: Path) -> None:
    service = noted_service(decoder, tmp_path, api_key="sk-one", max_queued_requests=0, max_running_requests=1)
    async with client_of(service) as client, service.admission.turn("other"):
        refused(await client.post(f"{SPEECH}/", json=BODY), 401, "invalid_api_key", None, "key")
        client.headers["x-api-key"] = "sk-one"
        refused(await client.post(f"{SPEECH}/", json=BODY), 429, "overloaded", None, "waiting")


PREFLIGHT = {"origin": "https://page.example", "access-control-request-method": "POST"}


@pytest.mark.parametrize("keys", [{}, {"api_key": "sk-one"}], ids=["open", "keys"])
async def test_a_preflight_without_cors_names_the_setting(
    decoder: Decoder, tmp_path: Path, keys: dict[str, str]
) -> None:
    async with client_of(noted_service(decoder, tmp_path, api_key=keys.get("api_key"))) as client:
        answer = await client.options(SPEECH, headers=PREFLIGHT)
        refused(answer, 403, "cors_disabled", None, "add https://page.example to the setting CORS_ORIGINS")
        assert (await client.options(SPEECH)).status_code in (401, 405)


async def test_a_preflight_with_cors_is_granted(decoder: Decoder, tmp_path: Path) -> None:
    async with client_of(noted_service(decoder, tmp_path, cors_origins="https://page.example")) as client:
        assert (await client.options(SPEECH, headers=PREFLIGHT)).status_code == 200


async def test_a_file_without_a_name_is_a_file(client: httpx.AsyncClient) -> None:
    data = wav_file(voice(40.0), rate=48_000)
    assert len(data) > 2**20  # larger than a field may be
    body = (
        b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + data + b"\r\n--x--\r\n"
    )
    answer = await client.post(
        "/v1/audio/transcriptions", content=body, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 200, answer.text


async def test_a_broken_upload_is_refused(client: httpx.AsyncClient) -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        answer = await client.post("/v1/audio/transcriptions", content=b"--y", headers={"content-type": kind})
        assert answer.status_code in (400, 422), answer.text
