"""Assistants' tools over HTTP, by the official client, on the real tiny models."""

import asyncio
import base64
import io
import threading
import wave
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp_types import (
    AudioContent,
)

from deployments.audio.encoder import MEDIA_TYPES
from deployments.mcp import report
from deployments.service.service import SpeechService
from tests.conftest import Models
from tests.ingress.conftest import Still
from tests.support.serving import served
from tests.support.tools import (
    BAD_ARGUMENTS,
    MODES,
    TOOLS,
    a_link_is_read_until_its_copy_is_deleted,
    orders_reach,
    refused,
    told,
    unknown,
)


@pytest.fixture(params=MODES)
def client(url: str, request: pytest.FixtureRequest) -> Client:
    """By the newest protocol, and by the one before. Entered by the test itself: it must be left by the same task."""
    return Client(f"{url}/mcp", mode=request.param, read_timeout_seconds=60)


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


async def test_a_link_is_refused_before_the_work_where_no_copies_are_kept(
    client: Client, reference: dict[str, Any], models: Models
) -> None:
    made = (await models.lm.stats()).steps
    async with client as assistant:
        result = await assistant.call_tool("generate_speech", {"input": "Hello.", "keep": True, **reference})
    refused(result, "OUTPUTS_DIR is not set", "keep")
    assert (await models.lm.stats()).steps == made


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


async def test_orders_reach_the_models(service: Callable[..., SpeechService]) -> None:
    still = Still()
    with served(replace(service(), residency=still)) as url:
        async with Client(f"{url}/mcp") as assistant:
            await orders_reach(still, assistant)


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


async def test_resources_are_told_of(client: Client) -> None:
    async with client as assistant:
        assert [resource.uri for resource in (await assistant.list_resources()).resources] == ["llasa://voices"]
        templates = (await assistant.list_resource_templates()).resource_templates
        types = {template.uri_template: template.mime_type for template in templates}
        assert types.pop("llasa://voices/{voice}") == "application/json"
        assert types == {f"llasa://outputs/{{name}}.{format}": media for format, media in MEDIA_TYPES.items()}
