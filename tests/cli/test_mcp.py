"""The stdio bridge, as a desktop assistant runs it: its own process, spoken to by the official client."""

import asyncio
import base64
import json
import sys
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import AudioContent

from cli.commands import _MCP
from deployments.audio.encoder import MEDIA_TYPES, Format
from deployments.service.service import SpeechService
from tests.audio.test_encoder import decoded
from tests.conftest import Models
from tests.ingress.conftest import Still
from tests.support.bridge import bridge
from tests.support.documents import blocks
from tests.support.serving import served
from tests.support.tools import (
    BAD_ARGUMENTS,
    JOB_TOOLS,
    NO_RESOURCES,
    TOOLS,
    a_link_is_read_until_its_copy_is_deleted,
    orders_reach,
    refused,
    told,
    unknown,
)


async def test_the_tools_are_those_of_http_and_may_overwrite_files(url: str, folder: Path) -> None:
    async with bridge(url, folder) as assistant, Client(f"{url}/mcp") as remote:
        here = {tool.name: tool for tool in (await assistant.list_tools()).tools}
        there = {tool.name: tool for tool in (await remote.list_tools()).tools}
    assert here.keys() == TOOLS | JOB_TOOLS
    here = {name: tool for name, tool in here.items() if name in TOOLS}
    hints = here["generate_speech"].annotations
    assert hints
    assert hints.destructive_hint
    hints.destructive_hint = False
    assert here == there


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_speech_is_read_from_and_written_to_allowed_folders(
    url: str, folder: Path, by_path: dict[str, Any], mode: str
) -> None:
    output = folder / "hello.wav"
    stages: list[str | None] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        stages.append(message)

    async with bridge(url, folder, mode) as assistant:
        arguments = {"input": "Hello there.", "output_path": str(output), **by_path}
        spoken = await assistant.call_tool("generate_speech", arguments, progress_callback=note)
        assert not spoken.is_error, told(spoken)
        written = await assistant.call_tool("transcribe_audio", {"audio_path": str(output)})
        assert not written.is_error, told(written)
        first = output.read_bytes()
        again = {"input": "Hello.", "seed": 7, "output_path": str(output), **by_path}
        refused(await assistant.call_tool("generate_speech", again), "There is a file", "overwrite")
        assert output.read_bytes() == first
        replaced = await assistant.call_tool("generate_speech", again | {"overwrite": True})
        assert not replaced.is_error, told(replaced)
        assert output.read_bytes() != first
    assert stages[0] == "Loading models"
    assert "Speaking" in stages
    assert not [part for part in spoken.content if isinstance(part, AudioContent)]
    assert spoken.structured_content
    assert spoken.structured_content["output_path"] == str(output)
    output.write_bytes(first)
    with wave.open(str(output)) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(
            spoken.structured_content["duration_seconds"], abs=0.05
        )


async def test_speech_of_every_format_decodes_to_the_rate_and_length_that_are_told(
    url: str, folder: Path, as_base64: dict[str, Any]
) -> None:
    formats: list[Format] = list(MEDIA_TYPES)
    async with bridge(url, folder) as assistant:
        for format in formats:
            arguments = {"input": "Hello there.", "response_format": format, "sample_rate": 22_050, **as_base64}
            result = await assistant.call_tool("generate_speech", arguments)
            assert not result.is_error, told(result)
            (audio,) = [part for part in result.content if isinstance(part, AudioContent)]
            assert audio.mime_type == MEDIA_TYPES[format]
            structured = result.structured_content
            assert structured
            assert structured == json.loads(told(result))
            rate, wav = decoded(base64.b64decode(audio.data), format, 22_050)
            assert rate == structured["sample_rate"] == (48_000 if format == "opus" else 22_050)
            assert len(wav) / rate == pytest.approx(structured["duration_seconds"], abs=0.15)


async def test_a_clip_is_written_down(url: str, folder: Path, as_base64: dict[str, Any]) -> None:
    stages: list[str | None] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        stages.append(message)

    async with bridge(url, folder) as assistant:
        result = await assistant.call_tool(
            "transcribe_audio",
            {"audio_base64": as_base64["audio_base64"], "word_timestamps": True, "language": "en"},
            progress_callback=note,
        )
    assert not result.is_error, told(result)
    assert stages == ["Listening to the clip"]
    structured = result.structured_content
    assert structured
    assert structured["language"] == "en"
    assert structured["duration_seconds"] == pytest.approx(1.5, abs=0.1)
    assert structured["words"]
    assert " ".join(word["word"] for word in structured["words"]) == structured["text"]


async def test_a_voice_is_stored_used_listed_and_deleted(url: str, folder: Path, by_path: dict[str, Any]) -> None:
    async with bridge(url, folder) as assistant:
        made = await assistant.call_tool("clone_voice", {"name": "anna", "consent": "my own", **by_path})
        assert not made.is_error, told(made)
        assert made.structured_content
        assert "1.5 s of speech" in made.structured_content["warnings"][0]
        spoken = await assistant.call_tool("generate_speech", {"input": "Hello.", "voice": "anna"})
        assert not spoken.is_error, told(spoken)
        listed = (await assistant.call_tool("list_voices", {})).structured_content
        assert listed
        assert made.structured_content in listed["voices"]
        assert "anna" in str(await assistant.read_resource("llasa://voices"))
        assert "A reference." in str(await assistant.read_resource("llasa://voices/anna"))
        twice = await assistant.call_tool("clone_voice", {"name": "anna", "consent": "my own", **by_path})
        refused(twice, "There is a voice 'anna' already")
        gone = await assistant.call_tool("delete_voice", {"voice": "anna"})
        assert gone.structured_content == {"id": made.structured_content["id"], "deleted": True}
        refused(await assistant.call_tool("delete_voice", {"voice": "anna"}), "anna")
        await unknown(assistant, "llasa://voices/anna")


async def test_orders_reach_the_models(service: Callable[..., SpeechService], folder: Path) -> None:
    still = Still()
    with served(replace(service(), residency=still)) as url:
        async with bridge(url, folder) as assistant:
            await orders_reach(still, assistant)


async def test_bad_arguments_are_told_as_over_http(url: str, folder: Path) -> None:
    async with bridge(url, folder) as assistant:
        for arguments, words in BAD_ARGUMENTS:
            refused(await assistant.call_tool("generate_speech", arguments), *words)


async def test_a_link_leads_to_a_resource_where_the_service_keeps_copies(
    service: Callable[..., SpeechService], folder: Path, tmp_path: Path, as_base64: dict[str, Any]
) -> None:
    with served(service(outputs_dir=tmp_path / "outputs")) as url:
        async with bridge(url, folder) as assistant:
            await a_link_is_read_until_its_copy_is_deleted(assistant, as_base64, tmp_path / "outputs")
            for uri in NO_RESOURCES:
                await unknown(assistant, uri)


async def test_a_link_is_refused_before_the_work_where_no_copies_are_kept(
    url: str, folder: Path, models: Models, by_path: dict[str, Any]
) -> None:
    made = (await models.lm.stats()).steps
    async with bridge(url, folder) as assistant:
        result = await assistant.call_tool("generate_speech", {"input": "Hello.", "keep": True, **by_path})
    refused(result, "OUTPUTS_DIR is not set", "keep")
    assert (await models.lm.stats()).steps == made


async def test_a_cancelled_call_stops_the_engine(
    url: str, folder: Path, models: Models, by_path: dict[str, Any]
) -> None:
    text = "A long text that takes its time. " * 7
    async with bridge(url, folder) as assistant:
        call = asyncio.create_task(assistant.call_tool("generate_speech", {"input": text, **by_path}))
        async with asyncio.timeout(60):
            while not (await models.lm.stats()).running:
                await asyncio.sleep(0.01)
            call.cancel()
            await asyncio.wait([call])
            while (await models.lm.stats()).running:
                await asyncio.sleep(0.01)


async def test_a_service_that_is_not_there_is_told(folder: Path) -> None:
    async with bridge("http://127.0.0.1:9", folder) as assistant:
        refused(await assistant.call_tool("get_gpu_status", {}), "No service answers at http://127.0.0.1:9")


async def test_a_key_is_sent_and_missed(
    service: Callable[..., SpeechService], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(service(api_key="secret")) as url:
        async with bridge(url, folder) as assistant:
            refused(await assistant.call_tool("list_voices", {}), "Missing or invalid API key")
        arguments = ["-m", "cli", "mcp", "--url", url]
        keyed = StdioServerParameters(command=sys.executable, args=arguments, env={"LLASA_API_KEY": "secret"})
        async with asyncio.timeout(60), Client(keyed) as assistant:
            assert not (await assistant.call_tool("list_voices", {})).is_error


async def test_the_configurations_of_the_guide_and_of_the_help_work(url: str, folder: Path) -> None:
    guide = blocks("json", "docs/guides/assistants.md")
    local, remote = [json.loads(block.code)["mcpServers"]["llasa"] for block in guide]
    assert json.loads(next(line for line in _MCP.splitlines() if "mcpServers" in line))["mcpServers"]["llasa"] == (
        local | {"command": "llasa-serve"}
    )
    command = Path(sys.executable).with_name(Path(local["command"]).name)
    arguments = [str(folder) if argument.startswith("/") else argument for argument in local["args"]]
    bridge = StdioServerParameters(command=str(command), args=arguments, env={"LLASA_URL": url})
    for server in (bridge, remote["url"].replace("http://127.0.0.1:7861", url)):
        async with asyncio.timeout(60), Client(server) as assistant:
            assert {tool.name for tool in (await assistant.list_tools()).tools} >= TOOLS
