"""A file that is being decoded: what its process sends, and why it ends."""

import asyncio
import json
import os
import signal
import socket
import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import IO, Final, Self

import numpy as np

from deployments.audio.decoder import Decoder
from deployments.audio.decoding_server import NO_MEMORY
from deployments.audio.reading import Findings
from deployments.errors import InvalidAudio
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform

_SILENT_SECONDS: Final = 60.0
"""Maximum seconds without output from a decoder."""
_MOST_BYTES: Final = 2**20
"""Maximum bytes of a message. A decoder sends about a second of audio at once; one that a file controls may lie."""
_LONGEST_REASON: Final = 500
"""Maximum characters of the reason for a refusal."""
_TRIES: Final = 3
"""Attempts at a file whose decoder gets SIGKILL, which is not the file's fault unless memory is short."""


class _Lost(Exception):
    """A decoder died for a reason that may not lie in the file."""


class _Failed(Exception):
    """A decoder died because of the file.

    Args:
        reason: `crash`, `cpu`, `memory`, `time` or `killed`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Decoding:
    """A file that is decoded once. Close it after use.

    Args:
        decoder: Decodes the file.
        file: The file; closed with it.
        longest: Maximum seconds.
        param: Name of the request's field, for errors.
    """

    def __init__(self, decoder: Decoder, file: IO[bytes], longest: float, param: str) -> None:
        self._decoder = decoder
        self._file = file
        self._longest = longest
        self._param = param
        self.samples = 0
        """Samples returned so far."""
        self.findings = Findings()
        """Complete once all samples have been returned."""

    @classmethod
    def of(cls, decoder: Decoder, file: IO[bytes] | bytes, longest: float, param: str) -> Self:
        """Opens a file to decode. Blocks: the file may be copied.

        Args:
            decoder: Decodes the file.
            file: Any container and codec of `deployments.audio.formats`.
            longest: Maximum seconds.
            param: Name of the request's field, for errors.
        """
        return cls(decoder, _own(file), longest, param)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    async def pieces(self) -> AsyncGenerator[Waveform, None]:
        """Yields [samples] mono at 16 kHz, about a second at a time, as they are decoded.

        Raises:
            InvalidAudio: the file is not an audio file, has no decodable audio, lasts too long, or takes too much
                memory or time.
        """
        for attempt in range(1, _TRIES + 1):
            try:
                async with aclosing(self._decoded()) as decoded:
                    async for piece in decoded:
                        yield piece
                return
            except _Lost:
                if attempt == _TRIES:
                    raise await self._refusal("killed") from None
            except _Failed as error:
                raise await self._refusal(error.reason) from None

    async def _refusal(self, reason: str) -> InvalidAudio:
        await asyncio.to_thread(self._decoder.failed, self._file, self.findings, reason)
        why = {
            "memory": "it needs too much memory",
            "cpu": "it takes too long",
            "time": "it takes too long",
        }.get(reason, "the decoder stopped at it")
        return InvalidAudio(f"The file cannot be decoded: {why}. Convert it to WAV or FLAC.", self._param)

    async def _decoded(self) -> AsyncGenerator[Waveform, None]:
        """Decodes from where the previous attempt stopped."""
        skip = self.samples
        answer, verdict = await asyncio.to_thread(self._decoder.submit, self._file, self._longest)
        with verdict:
            reader, writer = await asyncio.open_unix_connection(sock=answer)
            try:
                while True:
                    try:
                        async with asyncio.timeout(_SILENT_SECONDS):
                            message = await _message(reader)
                    except TimeoutError:
                        raise _Failed("time") from None
                    except (asyncio.IncompleteReadError, ConnectionError):
                        raise await _end(verdict) from None
                    if message.refused:
                        memory = message.refused == NO_MEMORY
                        raise _Failed("memory") if memory else InvalidAudio(message.refused, self._param)
                    self.findings = message.findings or self.findings
                    if message.last:
                        return
                    wav = message.wav[skip:]
                    skip -= min(skip, len(message.wav))
                    self.samples += len(wav)
                    if self.samples > (self._longest + 1) * SAMPLE_RATE:
                        raise _Failed("crash")  # an intact decoder rejects such a file itself
                    if len(wav):
                        yield wav
            finally:
                writer.close()


@dataclass(frozen=True, slots=True)
class _Message:
    """What a decoder says: see `decoding_server`."""

    wav: Waveform
    findings: Findings | None
    refused: str | None
    last: bool


async def _message(reader: asyncio.StreamReader) -> _Message:
    """Reads a message. The file may control the decoder, so nothing in it is trusted."""
    try:
        said = json.loads(await reader.readuntil(b"\n"))
        size = int(said["bytes"])
        if not 0 <= size <= _MOST_BYTES:
            raise ValueError(size)
        known = said.get("ended") or said.get("found")
        findings = Findings(**known) if known else None
        wav = np.frombuffer(await reader.readexactly(size), np.float32)
        if not np.isfinite(wav).all():
            raise ValueError("samples that are not numbers")
        refused = said.get("refused")
        return _Message(wav, findings, str(refused)[:_LONGEST_REASON] if refused else None, "ended" in said)
    except (ValueError, KeyError, TypeError, AttributeError, asyncio.LimitOverrunError):
        raise _Failed("crash") from None


async def _end(verdict: socket.socket) -> _Lost | _Failed:
    """Returns why a decoder ended before its answer was complete."""
    try:
        async with asyncio.timeout(_SILENT_SECONDS):
            said = await asyncio.get_running_loop().sock_recv(verdict, 100)
    except (TimeoutError, ConnectionError):
        return _Lost()
    status = json.loads(said)["status"] if said else signal.SIGKILL  # no message: the server was killed, too
    return _Lost() if status == signal.SIGKILL else _Failed("cpu" if status == signal.SIGXCPU else "crash")


def _own(file: IO[bytes] | bytes) -> IO[bytes]:
    """Opens the file once more. A file in memory is not written to disk."""
    if isinstance(file, tempfile.SpooledTemporaryFile) and not file._rolled:  # type: ignore[attr-defined]
        file.seek(0)
        file = file.read()
    if isinstance(file, bytes):
        copy = os.fdopen(os.memfd_create("clip"), "w+b")
        copy.write(file)
        copy.flush()
        return copy
    return os.fdopen(os.dup(file.fileno()), "rb")
