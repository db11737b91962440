"""Audio files that players can seek in."""

import hashlib
import re
from typing import Any, Final

from fastapi import Request, Response

from deployments.audio.encoder import MEDIA_TYPES

AUDIO_CONTENT: Final = {
    media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in MEDIA_TYPES.values()
}
"""Documented content of a response with an audio file."""
RANGES: Final[dict[int | str, dict[str, Any]]] = {
    206: {"description": "The requested range of the file."},
    416: {"description": "The requested range is beyond the end of the file."},
}
"""Documented responses to requests with a range."""
_RANGE: Final = re.compile(r"bytes=(\d{1,15})?-(\d{1,15})?")


def audio_file(request: Request, data: bytes, media_type: str) -> Response:
    """Returns a response with a file, or with the range of its bytes that the request asks for.

    All of the file is sent if the range is malformed, or if there are several, as RFC 9110 allows.
    """
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"Accept-Ranges": "bytes", "ETag": tag}
    wanted = byte_range(request, len(data), tag)
    if wanted is None:
        return Response(data, media_type=media_type, headers=headers)
    if not wanted:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{len(data)}"
    return Response(data[wanted.start : wanted.stop], 206, headers, media_type)


def byte_range(request: Request, length: int, tag: str) -> range | None:
    """Returns the bytes that a request asks for; empty if they are beyond the end, None if it asks for all.

    Args:
        request: The request.
        length: Bytes of the file.
        tag: Entity tag of the file.
    """
    match = _RANGE.fullmatch(request.headers.get("range", "").strip())
    return _slice(match, length) if match and request.headers.get("if-range", tag) == tag else None


def _slice(match: re.Match[str], length: int) -> range | None:
    first, last = match.groups()
    if first is None:
        return None if last is None else range(max(length - int(last), 0), length)
    if last is None:
        return range(int(first), length)
    return None if int(last) < int(first) else range(int(first), min(int(last) + 1, length))
