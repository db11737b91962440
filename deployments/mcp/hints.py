"""Annotations of tools, for assistants that ask before they run one."""

from typing import Final

from mcp_types import ToolAnnotations

READS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def changes(*, idempotent: bool = True, destructive: bool = False) -> ToolAnnotations:
    """Returns the annotations of a tool that changes something.

    Args:
        idempotent: Whether repeating a call changes nothing more.
        destructive: Whether a call may lose something.
    """
    return ToolAnnotations(
        read_only_hint=False, destructive_hint=destructive, idempotent_hint=idempotent, open_world_hint=False
    )
