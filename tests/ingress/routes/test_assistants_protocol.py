"""Protocol of the assistants' tools: versions, sessions, resources."""

import base64
import io
import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client

from deployments.service.service import SpeechService
from tests.support.serving import served
from tests.support.tools import (
    MODES,
    NO_RESOURCES,
    TOOLS,
    told,
    unknown,
)


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
