"""What assistants can read: the voices, and speech of which a copy was kept."""

from typing import Any, Final

from mcp.server.mcpserver import MCPServer

from deployments.audio.encoder import MEDIA_TYPES, Format
from deployments.errors import NotFound
from deployments.mcp.errors import resource_errors
from deployments.mcp.results import VoiceResult, VoicesResult
from deployments.service.requests import Backend

_OUTPUTS: Final = "llasa://outputs/"


def output_uri(name: str) -> str:
    """The resource that a copy is."""
    return _OUTPUTS + name


def resources(server: MCPServer[Any], backend: Backend) -> None:
    """Adds them. No list tells of outputs: who had one made was told its name, and nobody else can guess it."""

    @server.resource("llasa://voices", title="The voices", mime_type="application/json")
    async def voices() -> str:
        """The voices that generate_speech can use by name."""
        with resource_errors():
            return VoicesResult.of(await backend.voices()).model_dump_json()

    @server.resource("llasa://voices/{voice}", title="A voice", mime_type="application/json")
    async def voice(voice: str) -> str:
        """A voice, by its name or id."""
        with resource_errors():
            for each in await backend.voices():
                if voice in (each.id, each.name):
                    return VoiceResult.of(each).model_dump_json()
            raise NotFound(f"There is no voice {voice[:100]!r}.", "voice")

    def outputs(format: Format, media_type: str) -> None:
        # A template for each format, for a template has one media type.
        @server.resource(
            f"{_OUTPUTS}{{name}}.{format}", name=f"speech_{format}", title=f"Speech as {format}", mime_type=media_type
        )
        async def output(name: str) -> bytes:
            """Speech of which a copy was kept: what a link of generate_speech leads to."""
            with resource_errors():
                return await backend.output(f"{name}.{format}")

    for format, media_type in MEDIA_TYPES.items():
        outputs(format, media_type)
