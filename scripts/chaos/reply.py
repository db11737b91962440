"""What came back for a request, whether complete or not."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from scripts.chaos.case import Case


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and as much of the body as arrived."""

    status: int | None
    """None if no status arrived."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""
    """Why the reply ended early. Empty if it is complete."""
    timed_out: bool = False


async def exchange(client: httpx.AsyncClient, case: Case, timeout: float) -> Reply:  # noqa: ASYNC109 - part of the reply
    """Sends a request and reads its reply. Never raises for what the server does."""
    status: int | None = None
    headers: Mapping[str, str] = {}
    body = bytearray()
    try:
        async with (
            asyncio.timeout(timeout),
            client.stream("POST", case.path, json=case.json, data=case.fields, files=case.files) as response,
        ):
            status, headers = response.status_code, response.headers
            async for part in response.aiter_bytes():
                body += part
    except (TimeoutError, httpx.TimeoutException):
        return Reply(status, headers, bytes(body), f"no end within {timeout:g} s", timed_out=True)
    except httpx.HTTPError as error:
        return Reply(status, headers, bytes(body), f"{type(error).__name__}: {error}")
    return Reply(status, headers, bytes(body))
