"""What tests of the assistants' tools share, over HTTP and over stdio."""

import base64
from pathlib import Path
from typing import Any

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

from tests.audio.test_encoder import decoded
from tests.ingress.conftest import Still

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
JOB_TOOLS = {
    *("create_job", "outline_document", "transcribe_recording", "get_transcript"),
    *("list_jobs", "get_job", "change_job", "save_job"),
}
"""Of services with jobs."""
MODES = ["auto", "legacy"]


def told(result: CallToolResult) -> str:
    return "".join(part.text for part in result.content if isinstance(part, TextContent))


def refused(result: CallToolResult, *words: str) -> None:
    assert result.is_error, result
    for word in words:
        assert word in told(result)


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


BAD_ARGUMENTS: list[tuple[dict[str, Any], list[str]]] = [
    ({"input": "Hello."}, ["Give a voice or a clip"]),
    ({"input": "", "voice": "alloy"}, ["The text is empty", "input"]),
    ({"input": "Hello.", "voice": "nobody"}, ["nobody"]),
    ({"input": "Hello.", "audio_base64": "not base64!"}, ["not valid base64"]),
    ({"input": "Hello.", "audio_base64": base64.b64encode(b"text").decode()}, ["cannot be read as audio"]),
    ({"input": "Hello.", "audio_url": "http://127.0.0.1/a.wav"}, ["Only data URLs are taken"]),
    ({"input": "Hello.", "voice": "alloy", "temperature": 9}, ["temperature"]),
    ({"input": "Hello.", "voice": "alloy", "top_k": "many"}, ["top_k"]),
]
