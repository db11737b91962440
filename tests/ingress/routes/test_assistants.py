"""Assistants' tools over HTTP, by the official client, on the real tiny models."""

import asyncio
import base64
import io
import json
import threading
import wave
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ResourceLink,
    TextContent,
)

from deployments.audio.encoder import MEDIA_TYPES
from deployments.mcp import report
from deployments.service.service import SpeechService
from tests.audio.test_encoder import decoded
from tests.conftest import Models
from tests.ingress.conftest import Still
from tests.support.serving import served

TOOLS = {
    "generate_speech",
    "transcribe_audio",
    "get_gpu_status",
    "offload_gpu",
    "release_gpu",
    "update_gpu_timeout",
    "list_voices",
    "clone_voice",
    "delete_voice",
}
JOB_TOOLS = {"create_job", "list_jobs", "get_job", "change_job", "save_job"}
"""Of services with jobs."""
MODES = ["auto", "legacy"]


@pytest.fixture
def url(service: Callable[..., SpeechService]) -> Iterator[str]:
    with served(service()) as url:
        yield url


@pytest.fixture(params=MODES)
def client(url: str, request: pytest.FixtureRequest) -> Client:
    """By the newest protocol, and by the one before. Entered by the test itself: it must be left by the same task."""
    return Client(f"{url}/mcp", mode=request.param, read_timeout_seconds=60)


@pytest.fixture(scope="session")
def reference(clip: bytes) -> dict[str, Any]:
    return {"audio_base64": base64.b64encode(clip).decode(), "ref_text": "A reference."}


def told(result: CallToolResult) -> str:
    return "".join(part.text for part in result.content if isinstance(part, TextContent))


def refused(result: CallToolResult, *words: str) -> None:
    assert result.is_error, result
    for word in words:
        assert word in told(result)


async def test_every_tool_is_listed_with_what_it_takes_and_gives_and_does(client: Client) -> None:
    async with client as assistant:
        tools = {tool.name: tool for tool in (await assistant.list_tools()).tools}
        assert tools.keys() == TOOLS
        for tool in tools.values():
            assert tool.title
            assert tool.description
            assert tool.output_schema
            assert tool.annotations
            for name, argument in tool.input_schema.get("properties", {}).items():
                assert argument.get("description"), f"{tool.name}: {name}"
        assert {name for name, tool in tools.items() if tool.annotations and tool.annotations.read_only_hint} == {
            "get_gpu_status",
            "list_voices",
            "transcribe_audio",
        }
        destructive = {name for name, tool in tools.items() if tool.annotations and tool.annotations.destructive_hint}
        assert destructive == {"delete_voice"}
        speech = tools["generate_speech"].input_schema
        assert speech["required"] == ["input"]
        assert {"audio_base64", "voice", "ref_text", "system_prompt", "sample_rate", "seed"} <= set(
            speech["properties"]
        )


async def test_speech_comes_as_audio_of_the_rate_and_length_that_are_told(
    client: Client, reference: dict[str, Any]
) -> None:
    async with client as assistant:
        result = await assistant.call_tool(
            "generate_speech", {"input": "Hello there.", "sample_rate": 22_050, **reference}
        )
        assert not result.is_error, told(result)
        (audio,) = [part for part in result.content if isinstance(part, AudioContent)]
        assert audio.mime_type == "audio/wav"
        structured = result.structured_content
        assert structured
        with wave.open(io.BytesIO(base64.b64decode(audio.data))) as file:
            assert file.getframerate() == structured["sample_rate"] == 22_050
            assert file.getnframes() / 22_050 == pytest.approx(structured["duration_seconds"], abs=0.01)
        assert structured["finish_reason"] in ("stop", "length")


async def test_speech_comes_as_a_link_to_a_resource_where_copies_are_kept(
    service: Callable[..., SpeechService], reference: dict[str, Any], tmp_path: Path
) -> None:
    with served(service(outputs_dir=tmp_path)) as url:
        async with Client(f"{url}/mcp", read_timeout_seconds=60) as assistant:
            await a_link_is_read_until_its_copy_is_deleted(assistant, reference, tmp_path)


async def a_link_is_read_until_its_copy_is_deleted(assistant: Client, reference: dict[str, Any], outputs: Path) -> None:
    arguments = {"input": "Hello there.", "response_format": "mp3", "keep": True, **reference}
    result = await assistant.call_tool("generate_speech", arguments)
    assert not result.is_error, told(result)
    assert not [part for part in result.content if isinstance(part, AudioContent)]
    (link,) = [part for part in result.content if isinstance(part, ResourceLink)]
    structured = result.structured_content
    assert structured
    assert link.uri == structured["output_uri"] == f"llasa://outputs/{link.name}"
    (content,) = (await assistant.read_resource(link.uri)).contents
    assert isinstance(content, BlobResourceContents)
    assert content.mime_type == link.mime_type == "audio/mpeg"
    file = base64.b64decode(content.blob)
    assert len(file) == link.size
    rate, wav = decoded(file, "mp3", 24_000)
    assert rate == structured["sample_rate"] == 24_000
    assert len(wav) / rate == pytest.approx(structured["duration_seconds"], abs=0.15)
    assert link.name not in str(await assistant.list_resources())
    (outputs / link.name).unlink()
    await unknown(assistant, link.uri)


async def test_a_link_is_refused_before_the_work_where_no_copies_are_kept(
    client: Client, reference: dict[str, Any], models: Models
) -> None:
    made = (await models.lm.stats()).steps
    async with client as assistant:
        result = await assistant.call_tool("generate_speech", {"input": "Hello.", "keep": True, **reference})
    refused(result, "OUTPUTS_DIR is not set", "keep")
    assert (await models.lm.stats()).steps == made


async def unknown(assistant: Client, uri: str) -> None:
    with pytest.raises(MCPError) as caught:
        await assistant.read_resource(uri)
    assert caught.value.error.code == INVALID_PARAMS, uri


NO_RESOURCES = [
    "llasa://outputs/..%2Fsecret.wav",
    "llasa://outputs/../secret.wav",
    "llasa://outputs/%2e%2e%2fsecret.wav",
    "llasa://outputs/..%5Csecret.wav",
    "llasa://outputs/%2Fetc%2Fpasswd.wav",
    "llasa://outputs/secret.wav",
    "llasa://outputs/secret.wav%00.wav",
    "llasa://outputs/20260101T000000Z-0123456789ab.wav",
    "llasa://outputs/20260101T000000Z-0123456789ab.docx",
    "llasa://outputs/",
    "llasa://outputs",
    "llasa://voices/nobody",
    "llasa://voices/..%2Foutputs",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("keeps", [False, True])
async def test_what_is_no_resource_is_an_error_of_the_protocol(
    service: Callable[..., SpeechService], tmp_path: Path, keeps: bool
) -> None:
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    for folder in (tmp_path, outputs):
        (folder / "secret.wav").write_bytes(b"secret")
    with served(service(outputs_dir=outputs if keeps else None)) as url:
        async with Client(f"{url}/mcp") as assistant:
            for uri in NO_RESOURCES:
                await unknown(assistant, uri)


async def test_resources_are_told_of(client: Client) -> None:
    async with client as assistant:
        assert [resource.uri for resource in (await assistant.list_resources()).resources] == ["llasa://voices"]
        templates = (await assistant.list_resource_templates()).resource_templates
        types = {template.uri_template: template.mime_type for template in templates}
        assert types.pop("llasa://voices/{voice}") == "application/json"
        assert types == {f"llasa://outputs/{{name}}.{format}": media for format, media in MEDIA_TYPES.items()}


async def test_progress_is_repeated_while_nothing_new_happens(
    service: Callable[..., SpeechService], reference: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "EVERY_S", 0.01)
    heard: list[float] = []
    said: Counter[str | None] = Counter()
    enough = threading.Event()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)
        said[message] += message != "Waiting"
        if said[message] == 4:
            enough.set()

    class Slow(Still):
        @asynccontextmanager
        async def held(self, models: Sequence[str]) -> AsyncIterator[None]:
            assert await asyncio.to_thread(enough.wait, 60)
            yield

    clip = {"audio_base64": reference["audio_base64"]}
    calls = {
        "generate_speech": {"input": "Hello.", **reference},
        "transcribe_audio": clip,
        "clone_voice": {"name": "anna", "consent": "my own", **reference},
    }
    with served(service(Slow())) as url:
        async with Client(f"{url}/mcp", read_timeout_seconds=60) as assistant:
            for tool, arguments in calls.items():
                heard.clear()
                said.clear()
                enough.clear()
                done = await assistant.call_tool(tool, arguments, progress_callback=note)
                assert not done.is_error, told(done)
                assert heard == list(range(1, len(heard) + 1))


async def test_progress_is_told_while_models_wake_and_speak(client: Client, reference: dict[str, Any]) -> None:
    async with client as assistant:
        stages: list[str | None] = []

        async def note(progress: float, total: float | None, message: str | None) -> None:
            stages.append(message)

        await assistant.call_tool("generate_speech", {"input": "Hello there.", **reference}, progress_callback=note)
        assert stages[0] == "Loading models"
        assert "Speaking" in " ".join(filter(None, stages))


async def test_a_clip_is_written_down(client: Client, reference: dict[str, Any]) -> None:
    async with client as assistant:
        result = await assistant.call_tool(
            "transcribe_audio", {"audio_base64": reference["audio_base64"], "word_timestamps": True}
        )
        assert not result.is_error, told(result)
        assert result.structured_content
        assert result.structured_content["duration_seconds"] == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize(
    ("tool", "wishes"),
    [("generate_speech", {"input": "Hello."}), ("clone_voice", {"name": "anna", "consent": "my own"})],
)
async def test_the_text_of_a_clip_is_checked_where_that_is_asked_for(
    service: Callable[..., SpeechService], reference: dict[str, Any], tool: str, wishes: dict[str, Any]
) -> None:
    still = Still()
    with served(service(still)) as url:
        async with Client(f"{url}/mcp") as assistant:
            done = await assistant.call_tool(tool, wishes | reference | {"ref_check": "repair"})
    assert not done.is_error, told(done)
    assert any("Whisper" in order for order in still.orders)


async def test_a_voice_is_stored_used_listed_and_deleted(client: Client, reference: dict[str, Any]) -> None:
    async with client as assistant:
        made = await assistant.call_tool("clone_voice", {"name": "anna", "consent": "my own", **reference})
        assert not made.is_error, told(made)
        spoken = await assistant.call_tool("generate_speech", {"input": "Hello.", "voice": "anna"})
        assert not spoken.is_error, told(spoken)
        listed = (await assistant.call_tool("list_voices", {})).structured_content
        assert listed
        assert "anna" in [voice["name"] for voice in listed["voices"]]
        assert "anna" in str(await assistant.read_resource("llasa://voices"))
        assert "A reference." in str(await assistant.read_resource("llasa://voices/anna"))
        gone = await assistant.call_tool("delete_voice", {"voice": "anna"})
        assert gone.structured_content
        assert gone.structured_content["deleted"]
        refused(await assistant.call_tool("generate_speech", {"input": "Hello.", "voice": "anna"}), "anna")
        await unknown(assistant, "llasa://voices/anna")


async def orders_reach(still: Still, assistant: Client) -> None:
    await assistant.call_tool("offload_gpu", {})
    await assistant.call_tool("release_gpu", {"model": "Llasa"})
    await assistant.call_tool("update_gpu_timeout", {"timeout_seconds": 300})
    status = await assistant.call_tool("get_gpu_status", {})
    assert still.orders == [
        ("offload", "Llasa", "XCodec2", "Whisper"),
        ("release", "Llasa"),
        ("timeout", "Llasa", "XCodec2", "Whisper", 300),
    ]
    assert status.structured_content
    assert status.structured_content["models"]["Llasa"]["state"] == "unloaded"
    assert status.structured_content["gpus"][0]["uuid"] == "GPU-1"


async def test_orders_reach_the_models(service: Callable[..., SpeechService]) -> None:
    still = Still()
    with served(replace(service(), residency=still)) as url:
        async with Client(f"{url}/mcp") as assistant:
            await orders_reach(still, assistant)


BAD_ARGUMENTS: list[tuple[dict[str, Any], list[str]]] = [
    ({"input": "Hello."}, ["Give either a voice or a clip"]),
    ({"input": "", "voice": "alloy"}, ["The text is empty", "input"]),
    ({"input": "Hello.", "voice": "nobody"}, ["nobody"]),
    ({"input": "Hello.", "audio_base64": "not base64!"}, ["not valid base64"]),
    ({"input": "Hello.", "audio_base64": base64.b64encode(b"text").decode()}, ["cannot be read as audio"]),
    ({"input": "Hello.", "audio_url": "http://127.0.0.1/a.wav"}, ["Only data URLs are taken"]),
    ({"input": "Hello.", "voice": "alloy", "temperature": 9}, ["temperature"]),
    ({"input": "Hello.", "voice": "alloy", "top_k": "many"}, ["top_k"]),
]
"""Likewise over stdio."""
PATHS: list[tuple[dict[str, Any], list[str]]] = [
    ({"input": "Hello.", "audio_path": "/etc/passwd"}, ["over stdio only"]),
    ({"input": "Hello.", "voice": "alloy", "output_path": "/tmp/x.wav"}, ["over stdio only"]),  # noqa: S108
]


@pytest.mark.parametrize(("arguments", "words"), BAD_ARGUMENTS + PATHS)
async def test_bad_arguments_are_told_as_errors_of_the_tool(
    url: str, arguments: dict[str, Any], words: list[str]
) -> None:
    async with Client(f"{url}/mcp") as assistant:
        refused(await assistant.call_tool("generate_speech", arguments), *words)


async def test_a_clip_beyond_the_limit_is_refused_before_it_is_read(service: Callable[..., SpeechService]) -> None:
    with served(service(max_upload_mb=0.1)) as url:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"audio_base64": "A" * 200_000}}
        headers = {"accept": "application/json, text/event-stream"}
        async with httpx.AsyncClient(timeout=60) as client:
            answer = await client.post(f"{url}/mcp", json=body, headers=headers)
        assert answer.status_code == 413


async def test_a_cancelled_call_stops_the_engine(url: str, reference: dict[str, Any], models: Models) -> None:
    async with Client(f"{url}/mcp") as assistant, asyncio.timeout(60):
        text = "A long text that takes its time. " * 8
        call = asyncio.create_task(assistant.call_tool("generate_speech", {"input": text[:250], **reference}))
        while not (await models.lm.stats()).running:
            await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait([call])
        while (await models.lm.stats()).running:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("mode", MODES)
async def test_each_request_may_meet_another_ingress(
    service: Callable[..., SpeechService], mode: str, reference: dict[str, Any]
) -> None:
    with served(service(), service()) as url:
        async with Client(f"{url}/mcp", mode=mode, read_timeout_seconds=60) as assistant:
            for _ in range(3):
                assert {tool.name for tool in (await assistant.list_tools(cache_mode="refresh")).tools} == TOOLS
                status = await assistant.call_tool("get_gpu_status", {})
                assert not status.is_error, told(status)
            spoken = await assistant.call_tool("generate_speech", {"input": "Hello.", **reference})
            assert not spoken.is_error, told(spoken)


async def test_a_client_of_the_first_streamable_protocol_needs_no_more_than_http(
    url: str, reference: dict[str, Any]
) -> None:
    """Raw JSON-RPC of 2025-03-26, with nothing of the SDK."""
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-03-26"}

    async with httpx.AsyncClient(headers=headers, timeout=60) as client:

        async def call(number: int, method: str, **params: Any) -> dict[str, Any]:
            body = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            answer = await client.post(f"{url}/mcp", json=body)
            assert answer.status_code == 200, answer.text
            data = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
            found: dict[str, Any] = json.loads(data[-1] if data else answer.text)
            assert found["id"] == number
            return found["result"]  # type: ignore[no-any-return]

        info = {"name": "raw", "version": "1"}
        begun = await call(1, "initialize", protocolVersion="2025-03-26", capabilities={}, clientInfo=info)
        assert begun["protocolVersion"] == "2025-03-26"
        assert begun["serverInfo"]["name"] == "llasa-serve"
        assert {tool["name"] for tool in (await call(2, "tools/list"))["tools"]} == TOOLS
        arguments = {"input": "Hello there.", **reference}
        spoken = await call(3, "tools/call", name="generate_speech", arguments=arguments)
    assert not spoken.get("isError")
    audio = next(part for part in spoken["content"] if part["type"] == "audio")
    with wave.open(io.BytesIO(base64.b64decode(audio["data"]))) as reader:
        assert reader.getframerate() == 24_000
