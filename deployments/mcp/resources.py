"""Resources for assistants: voices, and stored copies of speech."""

from typing import Any, Final

from mcp.server.mcpserver import MCPServer

from deployments.audio.encoder import MEDIA_TYPES, Format
from deployments.errors import NotFound
from deployments.mcp.errors import resource_errors
from deployments.mcp.results import VoiceResult, VoicesResult
from deployments.service.backend import Backend

_OUTPUTS: Final = "llasa://outputs/"


def output_uri(name: str) -> str:
    """Returns the URI of a copy."""
    return _OUTPUTS + name


def resources(server: MCPServer[Any], backend: Backend) -> None:
    """Adds the resources. Outputs are not listed: only the client that requested a speech gets its name."""

    @server.resource("llasa://voices", title="The voices", mime_type="application/json")
    async def voices() -> str:
        """Lists the voices that generate_speech can use by name."""
        with resource_errors():
            return VoicesResult.of(await backend.list_voices()).model_dump_json()

    @server.resource("llasa://voices/{voice}", title="A voice", mime_type="application/json")
    async def voice(voice: str) -> str:
        """Returns a voice by its name or id."""
        with resource_errors():
            for each in await backend.list_voices():
                if voice in (each.id, each.name):
                    return VoiceResult.of(each).model_dump_json()
            raise NotFound(f"There is no voice {voice[:100]!r}.", "voice")

    def outputs(format: Format, media_type: str) -> None:
        # One template per format, as a template has one media type.
        @server.resource(
            f"{_OUTPUTS}{{name}}.{format}", name=f"speech_{format}", title=f"Speech as {format}", mime_type=media_type
        )
        async def output(name: str) -> bytes:
            """Returns a stored copy of speech, as linked by generate_speech."""
            with resource_errors():
                return await backend.output(f"{name}.{format}")

    for format, media_type in MEDIA_TYPES.items():
        outputs(format, media_type)
