"""`llasa-serve mcp`: the service's tools over stdio, for assistants on this machine."""

from pathlib import Path
from typing import Final

from cli.client import RestClient
from cli.job_client import JobClient
from cli.rest_jobs import RestJobs
from deployments.mcp.files import AllowedFolders
from deployments.mcp.server import build_server

_MOST_BYTES: Final = 50_000_000
"""Maximum bytes of a clip. The service has its own limit."""


async def serve(client: RestClient, folders: list[Path]) -> None:
    """Serves until stdin ends.

    Args:
        client: Client of the service.
        folders: Folders where clips may be read and speech written.
    """
    await build_server(client, _MOST_BYTES, AllowedFolders(folders), RestJobs(JobClient(client))).run_stdio_async()
