"""/mcp behind Ray Serve's own proxy, on a real local Ray."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import AudioContent

from tests.audio.test_encoder import decoded
from tests.support.clips import voice, wav_file
from tests.support.service import LONG, Running
from tests.support.tools import JOB_TOOLS, MODES, TOOLS, refused, told

pytestmark = pytest.mark.cluster

REFERENCE = {"audio_base64": base64.b64encode(wav_file(voice(1.5))).decode(), "ref_text": "A reference."}


def calls() -> dict[str, int]:
    """Requests that each replica of the ingress has answered, by its log."""
    from ray._private.worker import _global_node

    assert _global_node
    logs = Path(_global_node.get_session_dir_path(), "logs", "serve").glob("replica_llasa-serve_Ingress_*.log")
    return {log.name: log.read_text(encoding="utf-8").count('"POST /mcp 200') for log in logs}


@pytest.mark.parametrize("mode", MODES)
async def test_tools_are_listed_and_speech_is_made_with_progress(running: Running, mode: str) -> None:
    stages: list[str | None] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        stages.append(message)

    async with Client(f"{running.url}/mcp", mode=mode, read_timeout_seconds=120) as assistant:
        assert {tool.name for tool in (await assistant.list_tools()).tools} == TOOLS | JOB_TOOLS
        spoken = await assistant.call_tool(
            "generate_speech", {"input": "Hello there.", **REFERENCE}, progress_callback=note
        )
        assert not spoken.is_error, told(spoken)
        refused(await assistant.call_tool("generate_speech", {"input": "", **REFERENCE}), "The text is empty")
    assert stages[0] == "Loading models"
    assert "Speaking" in stages
    (audio,) = [part for part in spoken.content if isinstance(part, AudioContent)]
    structured: dict[str, Any] | None = spoken.structured_content
    assert structured
    rate, wav = decoded(base64.b64decode(audio.data), "wav", 24_000)
    assert rate == structured["sample_rate"] == 24_000
    assert len(wav) / rate == pytest.approx(structured["duration_seconds"], abs=0.01)


async def test_a_cancelled_call_leaves_the_engine(running: Running) -> None:
    async with Client(f"{running.url}/mcp", read_timeout_seconds=120) as assistant:
        call = asyncio.create_task(assistant.call_tool("generate_speech", {"input": LONG, **REFERENCE}))
        await running.engine_has(1, within=30)
        call.cancel()
        await asyncio.wait([call])
        await running.engine_is_empty(within=10)


@pytest.mark.parametrize("mode", MODES)
async def test_any_of_two_ingress_replicas_may_answer(running: Running, mode: str) -> None:
    before = calls()
    async with Client(f"{running.url}/mcp", mode=mode, read_timeout_seconds=120) as assistant:
        async with asyncio.timeout(60):
            while sum(count > before.get(log, 0) for log, count in calls().items()) < 2:
                listed = await assistant.list_tools(cache_mode="refresh")
                assert {tool.name for tool in listed.tools} == TOOLS | JOB_TOOLS
                status = await assistant.call_tool("get_gpu_status", {})
                assert not status.is_error, told(status)
        spoken = await assistant.call_tool("generate_speech", {"input": "Hello.", **REFERENCE})
        assert not spoken.is_error, told(spoken)
