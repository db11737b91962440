"""`llasa-serve mcp`: the service's tools over stdio, for assistants on this machine."""

from pathlib import Path

from cli.client import RestClient
from deployments.mcp.files import AllowedFolders
from deployments.mcp.server import build_server

_MOST_BYTES = 50_000_000


async def serve(client: RestClient, folders: list[Path]) -> None:
    """Serves until stdin ends.

    Args:
        client: Of the service.
        folders: Where clips may be read and speech may be written.
    """
    await build_server(client, AllowedFolders(folders, _MOST_BYTES)).run_stdio_async()
