"""What tools do to the world, for assistants that ask before they let one run."""

from typing import Final

from mcp_types import ToolAnnotations

READS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def changes(*, idempotent: bool = True, destructive: bool = False) -> ToolAnnotations:
    """Of a tool that changes something.

    Args:
        idempotent: Whether the same call again changes nothing more.
        destructive: Whether something may be lost by it.
    """
    return ToolAnnotations(
        read_only_hint=False, destructive_hint=destructive, idempotent_hint=idempotent, open_world_hint=False
    )
