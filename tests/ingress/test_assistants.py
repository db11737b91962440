"""Assistants' tools over HTTP, by the official client, on the real tiny models."""

import asyncio
import base64
import io
import json
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp_types import AudioContent, CallToolResult, TextContent

from deployments.ingress.service import Service
from tests.conftest import Models
from tests.ingress.conftest import Still
from tests.ingress.served import served

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
MODES = ["auto", "legacy"]


@pytest.fixture
def url(service: Callable[..., Service]) -> Iterator[str]:
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
        assert {name for name, tool in tools.items() if tool.annotations and tool.annotations.read_only_hint} == {
            "get_gpu_status",
            "list_voices",
            "transcribe_audio",
        }
        assert tools["delete_voice"].annotations
        assert tools["delete_voice"].annotations.destructive_hint
        speech = tools["generate_speech"].input_schema
        assert speech["required"] == ["target_text"]
        assert {"audio_base64", "voice", "ref_text", "system_prompt", "sample_rate", "random_seed"} <= set(
            speech["properties"]
        )


async def test_speech_comes_as_audio_of_the_rate_and_length_that_are_told(
    client: Client, reference: dict[str, Any]
) -> None:
    async with client as assistant:
        result = await assistant.call_tool(
            "generate_speech", {"target_text": "Hello there.", "sample_rate": 22_050, **reference}
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


async def test_progress_is_told_while_models_wake_and_speak(client: Client, reference: dict[str, Any]) -> None:
    async with client as assistant:
        stages: list[str | None] = []

        async def note(progress: float, total: float | None, message: str | None) -> None:
            stages.append(message)

        await assistant.call_tool(
            "generate_speech", {"target_text": "Hello there.", **reference}, progress_callback=note
        )
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


async def test_a_voice_is_stored_used_listed_and_deleted(client: Client, reference: dict[str, Any]) -> None:
    async with client as assistant:
        made = await assistant.call_tool("clone_voice", {"name": "anna", "consent": "my own", **reference})
        assert not made.is_error, told(made)
        spoken = await assistant.call_tool("generate_speech", {"target_text": "Hello.", "voice": "anna"})
        assert not spoken.is_error, told(spoken)
        listed = (await assistant.call_tool("list_voices", {})).structured_content
        assert listed
        assert "anna" in [voice["name"] for voice in listed["voices"]]
        assert "anna" in str(await assistant.read_resource("llasa://voices"))
        gone = await assistant.call_tool("delete_voice", {"voice": "anna"})
        assert gone.structured_content
        assert gone.structured_content["deleted"]
        refused(await assistant.call_tool("generate_speech", {"target_text": "Hello.", "voice": "anna"}), "anna")


async def test_orders_reach_the_models(service: Callable[..., Service]) -> None:
    still = Still()
    with served(replace(service(), residency=still)) as url:
        async with Client(f"{url}/mcp") as assistant:
            await assistant.call_tool("offload_gpu", {})
            await assistant.call_tool("release_gpu", {"model": "Llasa"})
            await assistant.call_tool("update_gpu_timeout", {"timeout_seconds": 300})
            status = await assistant.call_tool("get_gpu_status", {})
    assert still.orders == [
        ("offload", "Llasa", "XCodec2", "Whisper", False),
        ("offload", "Llasa", True),
        ("timeout", "Llasa", "XCodec2", "Whisper", 300),
    ]
    assert status.structured_content
    assert status.structured_content["models"]["Llasa"]["state"] == "unloaded"
    assert status.structured_content["gpus"][0]["uuid"] == "GPU-1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"target_text": "Hello."}, ["Give either a voice or a clip"]),
        ({"target_text": "", "voice": "alloy"}, ["The text is empty", "target_text"]),
        ({"target_text": "Hello.", "voice": "nobody"}, ["nobody"]),
        ({"target_text": "Hello.", "audio_base64": "not base64!"}, ["no base64"]),
        ({"target_text": "Hello.", "audio_base64": base64.b64encode(b"text").decode()}, ["cannot be read as audio"]),
        ({"target_text": "Hello.", "audio_path": "/etc/passwd"}, ["over stdio only"]),
        ({"target_text": "Hello.", "voice": "alloy", "output_path": "/tmp/x.wav"}, ["over stdio only"]),  # noqa: S108
        ({"target_text": "Hello.", "audio_url": "http://127.0.0.1/a.wav"}, ["Only data URLs are taken"]),
        ({"target_text": "Hello.", "voice": "alloy", "temperature": 9}, ["temperature"]),
        ({"target_text": "Hello.", "voice": "alloy", "top_k": "many"}, ["top_k"]),
    ],
)
async def test_bad_arguments_are_told_as_errors_of_the_tool(
    url: str, arguments: dict[str, Any], words: list[str]
) -> None:
    async with Client(f"{url}/mcp") as assistant:
        refused(await assistant.call_tool("generate_speech", arguments), *words)


async def test_a_clip_beyond_the_limit_is_refused_before_it_is_read(service: Callable[..., Service]) -> None:
    with served(service(max_upload_mb=0.1)) as url:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"audio_base64": "A" * 200_000}}
        headers = {"accept": "application/json, text/event-stream"}
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{url}/mcp", json=body, headers=headers)
        assert answer.status_code == 413


async def test_a_cancelled_call_stops_the_engine(url: str, reference: dict[str, Any], models: Models) -> None:
    async with Client(f"{url}/mcp") as assistant, asyncio.timeout(60):
        text = "A long text that takes its time. " * 8
        call = asyncio.create_task(assistant.call_tool("generate_speech", {"target_text": text[:250], **reference}))
        while not (await models.lm.stats()).running:
            await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait([call])
        while (await models.lm.stats()).running:
            await asyncio.sleep(0.01)


async def test_keys_are_asked_for(service: Callable[..., Service]) -> None:
    with served(service(api_key="secret")) as url:
        async with httpx.AsyncClient() as client:
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            assert (await client.post(f"{url}/mcp", json=body)).status_code == 401


@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [(None, "evil.example", 421), (None, "localhost:7861", 200), ("tts.example", "tts.example", 200)],
)
async def test_other_hosts_than_those_allowed_are_refused(
    service: Callable[..., Service], allowed: str | None, host: str, status: int
) -> None:
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    headers = {"host": host, "accept": "application/json, text/event-stream"}
    with served(service(mcp_allowed_hosts=allowed)) as url:
        async with httpx.AsyncClient() as client:
            assert (await client.post(f"{url}/mcp", json=body, headers=headers)).status_code == status


@pytest.mark.parametrize("mode", MODES)
async def test_each_request_may_meet_another_ingress(
    service: Callable[..., Service], mode: str, reference: dict[str, Any]
) -> None:
    with served(service(), service()) as url:
        async with Client(f"{url}/mcp", mode=mode, read_timeout_seconds=60) as assistant:
            for _ in range(3):
                assert {tool.name for tool in (await assistant.list_tools(cache_mode="refresh")).tools} == TOOLS
                status = await assistant.call_tool("get_gpu_status", {})
                assert not status.is_error, told(status)
            spoken = await assistant.call_tool("generate_speech", {"target_text": "Hello.", **reference})
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
        arguments = {"target_text": "Hello there.", **reference}
        spoken = await call(3, "tools/call", name="generate_speech", arguments=arguments)
    assert not spoken.get("isError")
    audio = next(part for part in spoken["content"] if part["type"] == "audio")
    with wave.open(io.BytesIO(base64.b64decode(audio["data"]))) as reader:
        assert reader.getframerate() == 24_000
