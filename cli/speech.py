"""`llasa-serve say` and `transcribe`."""

import asyncio
import shutil
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import IO, Final

from cli.client import Ended, RestClient, whole_file
from deployments.errors import InvalidInput, ServiceError
from deployments.service.requests import Clip, Speaking
from deployments.synthesis.events import Progress

PLAYERS: Final = (
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error", "-"),
    ("mpv", "--really-quiet", "-"),
    ("aplay", "-q", "-"),
)
"""Programs that play their input, in order of preference. aplay supports WAV only."""
Writer = Callable[[bytes], object]


async def say(client: RestClient, speaking: Speaking, output: Path | None) -> None:
    """Speaks into a file, else to stdout if that is redirected, else aloud."""
    if output:
        file = bytearray()
        if not output.parent.is_dir():
            raise InvalidInput(f"There is no folder {output.parent}.")
        ended = await _stream(client, speaking, file.extend)
        try:
            await asyncio.to_thread(output.write_bytes, whole_file(file, speaking.format))
        except OSError as error:
            raise InvalidInput(f"{output} cannot be written: {error.strerror}.") from error
        _print(f"{output}: {_summary(ended)}")
    elif not sys.stdout.isatty():
        _print(_summary(await _stream(client, speaking, _writer(sys.stdout.buffer))))
    else:
        await _play(client, speaking)


async def transcribe(client: RestClient, clip: Path, language: str | None) -> None:
    """Prints the transcript of a clip."""
    found = await client.transcribe(Clip(await asyncio.to_thread(read, clip)), language=language, words=False)
    _print(f"{found['duration']:.1f} s, language {found['language']}")
    for warning in found["warnings"]:
        _print(f"warning: {warning}")
    print(found["text"])


def read(path: Path) -> bytes:
    """Reads a file that the user named."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error


async def _play(client: RestClient, speaking: Speaking) -> None:
    if speaking.format == "pcm":
        raise InvalidInput("No player knows the rate of pcm: choose another format, or write it to a file with -o.")
    suited = [player for player in PLAYERS if player[0] != "aplay" or speaking.format == "wav"]
    found = next((player for player in suited if shutil.which(player[0])), None)
    if found is None:
        names = ", ".join(player[0] for player in suited)
        raise InvalidInput(f"Nothing here plays {speaking.format} (looked for {names}): write it to a file with -o.")
    player = await asyncio.create_subprocess_exec(*found, stdin=asyncio.subprocess.PIPE)
    stdin = player.stdin
    assert stdin  # noqa: S101 - it is a pipe

    def write(data: bytes) -> None:
        if stdin.is_closing():
            raise ServiceError(f"{found[0]} ended before the speech: write it to a file with -o.")
        stdin.write(data)

    try:
        ended = await _stream(client, speaking, write)
        stdin.close()
        if status := await player.wait():
            raise ServiceError(f"{found[0]} failed (status {status}): write it to a file with -o.")
    finally:
        if player.returncode is None:
            player.kill()
            await player.wait()
    _print(_summary(ended))


async def _stream(client: RestClient, speaking: Speaking, write: Writer) -> Ended:
    async with aclosing(client.stream(speaking)) as events:
        async for event in events:
            if isinstance(event, Progress):
                _print(f"{event}…")
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


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
