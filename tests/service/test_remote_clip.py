import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest

from deployments.errors import InvalidInput
from deployments.service.remote_clip import Address, ClipReader, is_public

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Host:
    """A host under test, and the paths that it was asked for."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.sent = 0
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).decode().split()[1]
        self.asked.append(path)
        while (await reader.readline()).strip():
            pass
        try:
            writer.write(self.answers[path].replace(b"PORT", str(self.port).encode()))
            while path == "/endless":
                writer.write(b"x" * 65_536)
                await writer.drain()
                self.sent += 65_536
            if path == "/slow":
                await asyncio.sleep(3600)
        except ConnectionError:
            pass
        finally:
            writer.close()


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body


def to(address: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {address}\r\nContent-Length: 0\r\n\r\n".encode()


ANSWERS = {
    "/clip": ok(b"a clip"),
    "/endless": ok(b""),
    "/slow": ok(b""),
    "/missing": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "/nonsense": b"220 an FTP server\r\n",
    "/to-clip": to("/clip"),
    "/to-metadata": to("http://169.254.169.254/latest/"),
    "/to-other-address": to("http://127.0.0.2:PORT/clip"),
    "/to-file": to("file:///etc/passwd"),
    "/to-stranger": to("http://stranger.example/"),
    "/round": to("/round"),
}


@asynccontextmanager
async def host() -> AsyncIterator[Host]:
    served = Host(ANSWERS)
    server = await asyncio.start_server(served.answer, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(30):
            yield served
    finally:
        server.close()


def only_here(address: Address) -> bool:
    return str(address) in ("127.0.0.1", "::1")


def reader(*hosts: str, permitted: Callable[[Address], bool] = is_public, seconds: float = 10) -> ClipReader:
    return ClipReader(hosts, 1_000_000, permitted, seconds)


async def refusal(clips: ClipReader, url: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        await clips.read(url)
    assert refused.value.param == "ref_audio"
    assert refused.value.status == 400
    return refused.value.message


async def test_a_data_url_holds_the_clip_itself() -> None:
    assert await reader().read("data:audio/wav;base64," + base64.b64encode(b"a clip").decode()) == b"a clip"
    assert await reader().read("DATA:;Base64,") == b""
    assert await reader().read(" \nda\tta:audio/wav;base64,YSBj\r\nbGlw\n") == b"a clip"


@pytest.mark.parametrize("url", ["data:;base64,%%%", "data:;base64,é", "data:", "data:;base64", "data:;base64,\ud800"])
async def test_a_data_url_that_cannot_be_read_is_refused(url: str) -> None:
    assert "base64" in await refusal(reader(), url)


async def test_white_space_around_an_address_is_left_out() -> None:
    async with host() as served:
        clips = reader("127.0.0.1", permitted=only_here)
        assert await clips.read(f" http://127.0.0.1:{served.port}/cl\nip\n") == b"a clip"


async def test_a_permitted_host_is_asked_and_its_redirects_followed() -> None:
    async with host() as served:
        clips = reader("localhost", "127.0.0.1", permitted=only_here)
        assert await clips.read(f"http://127.0.0.1:{served.port}/clip") == b"a clip"
        assert await clips.read(f"http://127.0.0.1:{served.port}/to-clip") == b"a clip"
        assert await clips.read(f"http://LOCALHOST:{served.port}/clip") == b"a clip"


async def test_addresses_are_off_unless_hosts_are_named() -> None:
    async with host() as served:
        message = await refusal(reader(), f"http://127.0.0.1:{served.port}/clip")
    assert "Only data URLs" in message
    assert served.asked == []


async def test_a_host_that_is_not_named_is_not_asked() -> None:
    async with host() as served:
        message = await refusal(reader("*.example.com"), f"http://127.0.0.1:{served.port}/clip")
    assert "not in REF_AUDIO_HOSTS" in message
    assert served.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/clip",
        "http://localhost:{port}/clip",  # a name that resolves to it
        "http://2130706433:{port}/clip",  # the same as a number
        "http://0x7f.1:{port}/clip",
        "http://127.1:{port}/clip",
        "http://127\u30020\u30020\u30021:{port}/clip",
        "http://\uff11\uff12\uff17.\uff10.\uff10.1:{port}/clip",
        "http://0177.0.0.1:{port}/clip",
        "http://[::ffff:127.0.0.1]:{port}/clip",
        "http://0.0.0.0:{port}/clip",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[::1]:{port}/clip",
        "http://[fe80::1%25eth0]/",
        "http://[64:ff9b::7f00:1]/",
    ],
)
async def test_private_addresses_are_not_asked_even_where_every_host_may_be(url: str) -> None:
    async with host() as served:
        message = await refusal(reader("*"), url.format(port=served.port))
    assert served.asked == []
    assert "private or local" in message


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/to-metadata", "private or local"),
        ("/to-other-address", "private or local"),
        ("/to-file", "Only data, http and https"),
        ("/to-stranger", "not in REF_AUDIO_HOSTS"),
        ("/round", "redirected too often"),
        ("/missing", "status 404"),
        ("/nonsense", "cannot be fetched"),
    ],
)
async def test_what_leads_elsewhere_or_nowhere_is_refused(path: str, message: str) -> None:
    hosts = ("localhost", "127.0.0.*", "169.254.169.254")
    async with host() as served:
        told = await refusal(reader(*hosts, permitted=only_here), f"http://localhost:{served.port}{path}")
    assert message in told
    assert set(served.asked) == {path}


async def test_an_endless_body_is_cut_off() -> None:
    async with host() as served:
        message = await refusal(reader("*", permitted=only_here), f"http://127.0.0.1:{served.port}/endless")
        assert "more than 1 MB" in message
        assert served.sent < 20_000_000


async def test_a_body_that_does_not_come_is_given_up() -> None:
    async with host() as served:
        clips = reader("*", permitted=only_here, seconds=0.2)
        assert "within 0.2 s" in await refusal(clips, f"http://127.0.0.1:{served.port}/slow")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://host/clip", "gopher://host", "/etc/passwd", "", "http://"]
)
async def test_other_schemes_are_refused(url: str) -> None:
    assert "Only data, http and https URLs" in await refusal(reader("*"), url)


async def test_a_port_with_nobody_behind_it_is_a_400_too() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        assert "cannot be fetched" in await refusal(reader("*", permitted=only_here), url)
    assert "cannot be fetched" in await refusal(reader("*"), "http://no-such-host.invalid/")
    assert "cannot be fetched" in await refusal(reader("*"), "http://host:99999/")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("192.168.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("::1", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:a00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public
