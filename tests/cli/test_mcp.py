"""The stdio bridge, as a desktop assistant runs it: its own process, spoken to by the official client."""

import asyncio
import base64
import json
import sys
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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
from tests.ingress.routes.test_assistants import (
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
from tests.support.documents import blocks
from tests.support.serving import served


@asynccontextmanager
async def bridge(url: str, folder: Path, mode: str = "auto") -> AsyncIterator[Client]:
    arguments = ["-m", "cli", "mcp", "--url", url, "--allow", str(folder)]
    async with asyncio.timeout(120):
        async with Client(StdioServerParameters(command=sys.executable, args=arguments), mode=mode) as client:
            yield client


@pytest.fixture
def folder(tmp_path: Path, reference: Path) -> Path:
    folder = tmp_path / "allowed"
    folder.mkdir()
    (folder / "reference.wav").write_bytes(reference.read_bytes())
    return folder


@pytest.fixture
def by_path(folder: Path) -> dict[str, Any]:
    return {"audio_path": str(folder / "reference.wav"), "ref_text": "A reference."}


@pytest.fixture
def as_base64(reference: Path) -> dict[str, Any]:
    return {"audio_base64": base64.b64encode(reference.read_bytes()).decode(), "ref_text": "A reference."}


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


async def test_an_address_is_given_on_to_the_service_and_its_bounds(
    service: Callable[..., SpeechService], folder: Path, as_base64: dict[str, Any]
) -> None:
    data = f"data:audio/wav;base64,{as_base64['audio_base64']}"
    voice = {"name": "anna", "consent": "my own", "ref_text": "A reference."}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("generate_speech", {"input": "Hello.", "ref_text": "A reference."}),
        ("transcribe_audio", {}),
        ("clone_voice", voice),
    ]
    with served(service(ref_audio_hosts="*")) as url:
        async with bridge(url, folder) as assistant:
            for tool, arguments in calls:
                done = await assistant.call_tool(tool, arguments | {"audio_url": data})
                assert not done.is_error, told(done)
                inside = await assistant.call_tool(tool, arguments | {"audio_url": "http://127.0.0.1/a.wav"})
                refused(inside, "private or local address")
                file = await assistant.call_tool(tool, arguments | {"audio_url": f"file://{folder}/reference.wav"})
                refused(file, "Only data, http and https URLs")


async def test_paths_that_lead_out_are_refused(url: str, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes((folder / "reference.wav").read_bytes())
    (folder / "link.wav").symlink_to(secret)
    (folder / "out").symlink_to(tmp_path)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("generate_speech", {"input": "Hello."}),
        ("transcribe_audio", {}),
        ("clone_voice", {"name": "anna", "consent": "my own"}),
    ]
    async with bridge(url, folder) as assistant:
        for path in (secret, folder / "link.wav", folder / ".." / "secret.wav", folder / "out" / "secret.wav"):
            for tool, arguments in calls:
                refused(await assistant.call_tool(tool, arguments | {"audio_path": str(path)}), "outside the folders")
        for path in (tmp_path / "new.wav", folder / "out" / "new.wav", folder / "link.wav"):
            arguments = {"input": "Hello.", "voice": "alloy", "output_path": str(path), "overwrite": True}
            refused(await assistant.call_tool("generate_speech", arguments), "outside the folders")
    assert not (tmp_path / "new.wav").exists()
    assert secret.read_bytes() == (folder / "reference.wav").read_bytes()


async def test_clips_beyond_the_limits_are_refused(
    service: Callable[..., SpeechService], folder: Path, by_path: dict[str, Any]
) -> None:
    (folder / "large.wav").write_bytes(bytes(200_000))
    with (folder / "huge.wav").open("wb") as huge:
        huge.truncate(50_000_001)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("generate_speech", {"input": "Hello."}),
        ("transcribe_audio", {}),
        ("clone_voice", {"name": "anna", "consent": "my own"}),
    ]
    with served(service(max_upload_mb=0.1)) as url:
        async with bridge(url, folder) as assistant:
            for tool, arguments in calls:  # of the service, then of the bridge itself
                for large in ({"audio_path": str(folder / "large.wav")}, {"audio_base64": "A" * 200_000}):
                    result = await assistant.call_tool(tool, arguments | large)
                    # The service does not wait for what it refuses, so that its answer may be lost.
                    refused(result, "0.1 MB" if "0.1 MB" in told(result) else "MAX_UPLOAD_MB")
                huge_file = await assistant.call_tool(tool, arguments | {"audio_path": str(folder / "huge.wav")})
                refused(huge_file, "more than the 50 MB")
            huge_text = await assistant.call_tool("transcribe_audio", {"audio_base64": "A" * 70_000_000})
            refused(huge_text, "more than the 50 MB")
            working = await assistant.call_tool("generate_speech", {"input": "Hello.", **by_path})
            assert not working.is_error, told(working)


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
