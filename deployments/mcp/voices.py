"""Tools for stored voices."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from pydantic import Field

from deployments.mcp.arguments import Base64, Clips, LocalPath, Url
from deployments.mcp.errors import tool_errors
from deployments.mcp.hints import READS, changes
from deployments.mcp.report import reporting
from deployments.mcp.results import DeletedResult, VoiceResult, VoicesResult
from deployments.service.backend import Backend
from deployments.service.parameters import Consent, RefCheck, RefText
from deployments.synthesis.events import Progress


def voice_tools(server: MCPServer[Any], backend: Backend, clips: Clips) -> None:
    """Adds them."""

    @server.tool(title="The voices", annotations=READS)
    async def list_voices() -> VoicesResult:
        """Lists the voices that generate_speech can use by name."""
        with tool_errors():
            return VoicesResult.of(await backend.list_voices())

    @server.tool(title="Store a voice", annotations=changes(idempotent=False))
    async def clone_voice(
        context: Context[Any, Any],
        name: Annotated[str, Field(description="Name of the voice.")],
        consent: Consent,
        audio_base64: Base64 = None,
        audio_url: Url = None,
        audio_path: LocalPath = None,
        ref_text: RefText = None,
        ref_check: RefCheck = None,
    ) -> VoiceResult:
        """Stores the voice of a clip under a name."""
        with tool_errors():
            clip = await clips.one(audio_base64, audio_url, audio_path)
            async with reporting(context) as report:
                await report.send(str(Progress("encoding")))
                return VoiceResult.of(await backend.clone_voice(name, clip, ref_text, consent, ref_check=ref_check))

    @server.tool(title="Delete a voice", annotations=changes(idempotent=False, destructive=True))
    async def delete_voice(voice: Annotated[str, Field(description="Its name or id.")]) -> DeletedResult:
        """Deletes a stored voice for good."""
        with tool_errors():
            return DeletedResult(id=(await backend.delete_voice(voice)).id)
