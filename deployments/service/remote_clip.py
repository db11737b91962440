"""Reads clips that a request names by a URL: data URLs, and files on permitted hosts."""

import asyncio
import socket
from collections.abc import Callable
from fnmatch import fnmatch
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from deployments.errors import InvalidInput
from deployments.service.data_url import data_url_body, is_data_url, without_space
from deployments.settings import Settings

Address = IPv4Address | IPv6Address

_REDIRECTS: Final = 3
_SECONDS: Final = 20.0
_TUNNELS: Final = (
    IPv6Network("64:ff9b::/96"),
    IPv6Network("64:ff9b:1::/48"),
    IPv6Network("2002::/16"),
    IPv6Network("2001::/32"),
)
"""IPv6 networks that map to IPv4 addresses, which may be private: NAT64, 6to4, Teredo."""


def is_public(address: Address) -> bool:
    """Returns whether an address is on the public Internet."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if any(address in tunnel for tunnel in _TUNNELS):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class ClipReader:
    """Reads clips from URLs.

    Args:
        hosts: Patterns of permitted hosts; empty: none.
        most_bytes: Maximum bytes of a clip.
        permitted: Decides which addresses a host may have, after name resolution and at each redirect.
        seconds: Maximum seconds to fetch a clip.
    """

    def __init__(
        self,
        hosts: tuple[str, ...],
        most_bytes: int,
        permitted: Callable[[Address], bool] = is_public,
        seconds: float = _SECONDS,
    ) -> None:
        self._hosts = hosts
        self._most_bytes = most_bytes
        self._permitted = permitted
        self._seconds = seconds

    async def read(self, url: str, param: str = "ref_audio") -> bytes:
        """Returns the bytes of a `data:`, `http:` or `https:` URL from the field `param`.

        Raises:
            InvalidInput: the URL is of another kind, is not permitted, or cannot be fetched.
        """
        try:
            return await self._read(url)
        except _Refused as error:
            raise InvalidInput(f"The clip's URL cannot be used. {error}", param) from error

    async def _read(self, url: str) -> bytes:
        url = await asyncio.to_thread(without_space, url)  # a clip of any size
        if is_data_url(url):
            return await asyncio.to_thread(_decoded, url)
        if not self._hosts:
            raise _Refused("Only data URLs are taken here: `data:audio/wav;base64,...`.")
        try:
            async with asyncio.timeout(self._seconds):
                return await self._fetched(url)
        except TimeoutError:
            raise _Refused(f"It did not arrive within {self._seconds:g} s.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # aiohttp wraps its resolver's errors.
            private = isinstance(error.__cause__, _PrivateAddress)
            reason = _PRIVATE if private else "It cannot be fetched: check the URL."
            raise _Refused(reason) from error

    async def _fetched(self, url: str) -> bytes:
        # No cookies, no proxies from the environment; each redirect is checked before it is followed.
        connector = aiohttp.TCPConnector(resolver=_Resolver(self._permitted), force_close=True)
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
            target = URL(url)
            for _ in range(_REDIRECTS + 1):
                self._check(target)
                async with session.get(target, allow_redirects=False) as answer:
                    if answer.status in (301, 302, 303, 307, 308):
                        target = target.join(URL(answer.headers.get("Location", "")))
                        continue
                    if answer.status != 200:
                        raise _Refused(f"Its host returned status {answer.status}.")
                    return await self._body(answer)
        raise _Refused("It is redirected too often.")

    def _check(self, target: URL) -> None:
        # aiohttp's own parser: another one might find a different host than the one that is contacted.
        if target.scheme not in ("http", "https") or not target.raw_host:
            raise _Refused("Only data, http and https URLs are accepted.")
        host = target.raw_host.lower().rstrip(".")
        if not any(fnmatch(host, pattern) for pattern in self._hosts):
            raise _Refused(f"The host {host[:100]!r} is not in REF_AUDIO_HOSTS.")
        try:
            permitted = self._permitted(ip_address(host))
        except ValueError:
            # A name: the resolver checks its addresses. Digits alone are an address in shorthand, such as 127.1.
            permitted = not host.replace(".", "").isdigit()
        if not permitted:
            raise _Refused(_PRIVATE)

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for part in answer.content.iter_chunked(65_536):
            body += part
            if len(body) > self._most_bytes:
                raise _Refused(f"It has more than {self._most_bytes / 1_000_000:g} MB.")
        return bytes(body)


class _Refused(Exception):
    """Reason why a URL is refused."""


def _decoded(url: str) -> bytes:
    try:
        return data_url_body(url)
    except ValueError as error:
        raise _Refused(str(error)) from None


class _PrivateAddress(OSError):
    """A name resolves to an address that is not public."""


class _Resolver(AbstractResolver):
    """Returns only permitted addresses. aiohttp connects to exactly these, so nothing can change in between."""

    def __init__(self, permitted: Callable[[Address], bool]) -> None:
        self._permitted = permitted
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not all(self._permitted(ip_address(result["host"].partition("%")[0])) for result in found):
            raise _PrivateAddress
        return found

    async def close(self) -> None:
        await self._resolver.close()


_PRIVATE: Final = "Its host has a private or local address."


def clip_reader(settings: Settings) -> ClipReader:
    """Returns a reader with the limits of the settings."""
    hosts = tuple(host.lower() for host in settings.ref_audio_hosts)
    return ClipReader(hosts, round(settings.max_upload_mb * 1_000_000))
