"""`llasa-serve say`."""

import asyncio
import json
import shutil
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import IO, Final

from cli.client import RestClient, whole_file
from deployments.errors import InvalidInput, ServiceError
from deployments.service.backend import Clip
from deployments.service.delivery import SpeechResult
from deployments.service.parameters import SpeechParams

PLAYERS: Final = (
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error", "-"),
    ("mpv", "--really-quiet", "-"),
    ("aplay", "-q", "-"),
)
"""Programs that play their input, in order of preference. aplay supports WAV only."""
Writer = Callable[[bytes], object]


async def say(client: RestClient, params: SpeechParams, clip: Clip | None, output: Path | None) -> None:
    """Speaks into a file, else to stdout if that is redirected, else aloud."""
    if output:
        file = bytearray()
        if not output.parent.is_dir():
            raise InvalidInput(f"There is no folder {output.parent}.")
        result = await _stream(client, params, clip, file.extend)
        await asyncio.to_thread(write, output, whole_file(file, params.response_format))
        _print(f"{output}: {_summary(result)}")
    elif not sys.stdout.isatty():
        _print(_summary(await _stream(client, params, clip, _writer(sys.stdout.buffer))))
    else:
        await _play(client, params, clip)


def read(path: Path) -> bytes:
    """Reads a file that the user named."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error


def write(path: Path, data: bytes) -> None:
    """Writes a file that the user named."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}.") from error


async def _play(client: RestClient, params: SpeechParams, clip: Clip | None) -> None:
    format = params.response_format
    if format == "pcm":
        raise InvalidInput("No player knows the rate of pcm: choose another format, or write it to a file with -o.")
    suited = [player for player in PLAYERS if player[0] != "aplay" or format == "wav"]
    found = next((player for player in suited if shutil.which(player[0])), None)
    if found is None:
        names = ", ".join(player[0] for player in suited)
        raise InvalidInput(f"Nothing here plays {format} (looked for {names}): write it to a file with -o.")
    player = await asyncio.create_subprocess_exec(*found, stdin=asyncio.subprocess.PIPE)
    stdin = player.stdin
    assert stdin  # noqa: S101 - it is a pipe

    def write(data: bytes) -> None:
        if stdin.is_closing():
            raise ServiceError(f"{found[0]} ended before the speech: write it to a file with -o.")
        stdin.write(data)

    try:
        result = await _stream(client, params, clip, write)
        stdin.close()
        if status := await player.wait():
            raise ServiceError(f"{found[0]} failed (status {status}): write it to a file with -o.")
    finally:
        if player.returncode is None:
            player.kill()
            await player.wait()
    _print(_summary(result))


async def _stream(client: RestClient, params: SpeechParams, clip: Clip | None, write: Writer) -> SpeechResult:
    async with aclosing(client.speak(params, clip, streamed=True)) as chunks:
        async for chunk in chunks:
            if chunk.progress:
                _print(f"{chunk.progress}…")
            if chunk.data:
                write(chunk.data)
            if chunk.result:
                return chunk.result
    raise AssertionError("a stream ended without its end")


def _writer(file: IO[bytes]) -> Writer:
    def write(data: bytes) -> None:
        file.write(data)
        file.flush()

    return write


def _summary(result: SpeechResult) -> str:
    finished = result.finished
    how = "complete" if finished.finish == "stop" else f"incomplete ({finished.finish})"
    lines = [f"{result.duration:.1f} s of speech, {how}, seed {finished.seed}"]
    lines += [f"Warning: {warning}" for warning in finished.warnings]
    if result.output:
        lines.append(f"A copy is stored as {result.output}.")
    if result.details:
        lines.append(json.dumps(result.details, ensure_ascii=False, indent=2))
    return "\n".join(lines)


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
