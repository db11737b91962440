"""`llasa-serve say` and `transcribe`."""

import asyncio
import shutil
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import IO, Final

from cli.client import Ended, Refused, RestClient, whole_file
from deployments.ingress.protocol import Clip, Speaking
from deployments.speech.events import Progress

PLAYERS: Final = (
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error", "-"),
    ("mpv", "--really-quiet", "-"),
    ("aplay", "-q", "-"),
)
"""Programs that play what they read, in the order in which they are looked for."""
Writer = Callable[[bytes], object]
STAGES: Final = {
    "waking": "Loading models",
    "listening": "Listening to the clip",
    "encoding": "Encoding the clip",
    "speaking": "Speaking",
    "checking": "Checking",
}


async def say(client: RestClient, speaking: Speaking, output: Path | None) -> None:
    """Speaks into a file, or else to stdout if that leads somewhere, or else aloud."""
    if output:
        file = bytearray()
        ended = await _stream(client, speaking, file.extend)
        await asyncio.to_thread(output.write_bytes, whole_file(file, speaking.format))
        _tell(f"{output}: {_summary(ended)}")
    elif not sys.stdout.isatty():
        _tell(_summary(await _stream(client, speaking, _writer(sys.stdout.buffer))))
    else:
        await _play(client, speaking)


async def transcribe(client: RestClient, clip: Path, language: str | None) -> None:
    """Prints what a clip says."""
    found = await client.transcribe(Clip(await asyncio.to_thread(read, clip)), language=language, words=False)
    _tell(f"{found['duration']:.1f} s, language {found['language']}")
    print(found["text"])


def read(path: Path) -> bytes:
    """A file that the caller named."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from error


async def _play(client: RestClient, speaking: Speaking) -> None:
    found = next((player for player in PLAYERS if shutil.which(player[0])), None)
    if found is None:
        names = ", ".join(player[0] for player in PLAYERS)
        raise Refused(f"Nothing here plays sound (looked for {names}): write it to a file with -o.")
    player = await asyncio.create_subprocess_exec(*found, stdin=asyncio.subprocess.PIPE)
    assert player.stdin  # noqa: S101 - it is a pipe
    try:
        ended = await _stream(client, speaking, player.stdin.write)
        player.stdin.close()
        await player.wait()
    finally:
        if player.returncode is None:
            player.kill()
    _tell(_summary(ended))


async def _stream(client: RestClient, speaking: Speaking, write: Writer) -> Ended:
    async with aclosing(client.stream(speaking)) as events:
        async for event in events:
            if isinstance(event, Progress):
                part = f" part {event.part} of {event.parts}" if event.parts > 1 else ""
                _tell(f"{STAGES[event.stage]}{part}…")
            elif isinstance(event, bytes):
                write(event)
            else:
                return event
    raise AssertionError("a stream ended without its end")


def _writer(file: IO[bytes]) -> Writer:
    def write(data: bytes) -> None:
        file.write(data)
        file.flush()

    return write


def _summary(ended: Ended) -> str:
    how = "said to its end" if ended.finish_reason == "stop" else f"not said to its end ({ended.finish_reason})"
    warned = "".join(f"\nWarning: {warning}" for warning in ended.warnings)
    return f"{ended.duration:.1f} s of speech, {how}, seed {ended.seed}{warned}"


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
