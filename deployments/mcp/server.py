"""The service as tools and resources for assistants."""

from typing import Any, Final

from mcp.server.mcpserver import MCPServer

from deployments.mcp.arguments import Clips
from deployments.mcp.files import AllowedFolders
from deployments.mcp.gpu import gpu_tools
from deployments.mcp.resources import resources
from deployments.mcp.speech import speech_tools
from deployments.mcp.voices import voice_tools
from deployments.service.requests import Backend
from deployments.version import VERSION

INSTRUCTIONS: Final = (
    "Speaks texts in cloned voices and writes down what clips say. The first request after a while waits for models "
    "to load; progress is told. Clone a voice only with its owner's consent."
)


def build_server(backend: Backend, most_bytes: int, files: AllowedFolders | None = None) -> MCPServer[Any]:
    """All of them, on a service.

    Args:
        backend: The service.
        most_bytes: That a clip may have.
        files: Where paths may lead; None: paths are refused, as they must be for callers of other machines.
    """
    server: MCPServer[Any] = MCPServer(
        "llasa-serve",
        title="Llasa Serve",
        version=VERSION,
        instructions=INSTRUCTIONS,
        log_level="WARNING",  # the SDK sets the level of all logs, those of others too
        subscriptions=False,  # what is stored changes at any replica: none could tell of it
    )
    clips = Clips(most_bytes, files)
    speech_tools(server, backend, clips)
    voice_tools(server, backend, clips)
    gpu_tools(server, backend)
    resources(server, backend)
    return server
