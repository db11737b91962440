"""The service as tools and resources for assistants."""

from typing import Any, Final

from mcp.server.mcpserver import MCPServer

from deployments.mcp.arguments import Clips
from deployments.mcp.files import AllowedFolders
from deployments.mcp.gpu import gpu_tools
from deployments.mcp.jobs import job_tools
from deployments.mcp.resources import resources
from deployments.mcp.speech import speech_tools
from deployments.mcp.voices import voice_tools
from deployments.service.backend import Backend
from deployments.service.job_desk import JobDesk
from deployments.version import VERSION

INSTRUCTIONS: Final = (
    "Speaks texts in cloned voices and transcribes clips. The first request after a while waits for models "
    "to load; progress is reported. Speak long texts with create_job, and transcribe long recordings with "
    "transcribe_recording. Clone a voice only with its owner's consent."
)


def build_server(
    backend: Backend, most_bytes: int, files: AllowedFolders | None = None, jobs: JobDesk | None = None
) -> MCPServer[Any]:
    """Builds the server with all tools and resources of a service.

    Args:
        backend: The service.
        most_bytes: Maximum bytes of a clip.
        files: Folders for paths; None refuses paths, as is required for remote callers.
        jobs: Its jobs, if it has any.
    """
    server: MCPServer[Any] = MCPServer(
        "llasa-serve",
        title="Llasa Serve",
        version=VERSION,
        instructions=INSTRUCTIONS,
        log_level="WARNING",  # the SDK sets the level of all logs, also those of other packages
        subscriptions=False,  # any replica may change the stored objects: none could notify of all changes
    )
    clips = Clips(most_bytes, files)
    speech_tools(server, backend, clips)
    voice_tools(server, backend, clips)
    gpu_tools(server, backend)
    if jobs:
        job_tools(server, jobs, clips)
    resources(server, backend)
    return server
