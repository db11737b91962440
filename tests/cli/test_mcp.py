"""The stdio bridge, as a desktop assistant runs it: its own process, spoken to by the official client."""

import asyncio
import sys
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import AudioContent

from tests.conftest import Models
from tests.ingress.test_assistants import TOOLS, refused, told


@asynccontextmanager
async def bridge(url: str, folder: Path, mode: str = "auto") -> AsyncIterator[Client]:
    arguments = ["-m", "cli", "mcp", "--url", url, "--allow", str(folder)]
    async with Client(StdioServerParameters(command=sys.executable, args=arguments), mode=mode) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path, reference: Path) -> Path:
    folder = tmp_path / "allowed"
    folder.mkdir()
    (folder / "reference.wav").write_bytes(reference.read_bytes())
    return folder


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_tools_work_with_paths_inside_the_allowed_folders(url: str, folder: Path, mode: str) -> None:
    output = folder / "hello.wav"
    stages: list[str | None] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        stages.append(message)

    async with asyncio.timeout(120), bridge(url, folder, mode) as assistant:
        assert {tool.name for tool in (await assistant.list_tools()).tools} == TOOLS
        spoken = await assistant.call_tool(
            "generate_speech",
            {
                "target_text": "Hello there.",
                "audio_path": str(folder / "reference.wav"),
                "ref_text": "A reference.",
                "output_path": str(output),
            },
            progress_callback=note,
        )
        assert not spoken.is_error, told(spoken)
        written = await assistant.call_tool("transcribe_audio", {"audio_path": str(output)})
        assert not written.is_error, told(written)
        again = await assistant.call_tool(
            "generate_speech", {"target_text": "Hello.", "voice": "alloy", "output_path": str(output)}
        )
        refused(again, "There is a file", "overwrite")
    assert "Speaking" in stages
    assert not [part for part in spoken.content if isinstance(part, AudioContent)]
    assert spoken.structured_content
    assert spoken.structured_content["output_path"] == str(output)
    with wave.open(str(output)) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(
            spoken.structured_content["duration_seconds"], abs=0.05
        )


async def test_paths_that_lead_out_are_refused(url: str, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes((folder / "reference.wav").read_bytes())
    (folder / "link.wav").symlink_to(secret)
    (folder / "out").symlink_to(tmp_path)
    async with asyncio.timeout(120), bridge(url, folder) as assistant:
        for path in (secret, folder / "link.wav", folder / ".." / "secret.wav", folder / "out" / "secret.wav"):
            refused(await assistant.call_tool("transcribe_audio", {"audio_path": str(path)}), "outside the folders")
        for path in (tmp_path / "new.wav", folder / "out" / "new.wav"):
            spoken = await assistant.call_tool(
                "generate_speech", {"target_text": "Hello.", "voice": "alloy", "output_path": str(path)}
            )
            refused(spoken, "outside the folders")
    assert not (tmp_path / "new.wav").exists()


async def test_a_cancelled_call_stops_the_engine(url: str, folder: Path, models: Models) -> None:
    text = "A long text that takes its time. " * 7
    arguments = {"target_text": text, "audio_path": str(folder / "reference.wav"), "ref_text": "A reference."}
    async with asyncio.timeout(120), bridge(url, folder) as assistant:
        call = asyncio.create_task(assistant.call_tool("generate_speech", arguments))
        while not (await models.lm.stats()).running:
            await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait([call])
        while (await models.lm.stats()).running:
            await asyncio.sleep(0.01)


async def test_a_service_that_is_not_there_is_told(folder: Path) -> None:
    async with asyncio.timeout(120), bridge("http://127.0.0.1:9", folder) as assistant:
        refused(await assistant.call_tool("get_gpu_status", {}), "No service answers at http://127.0.0.1:9")
