"""Turns the events of a synthesis into the chunks of a file."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from deployments.audio.encoder import MEDIA_TYPES, Format, open_container
from deployments.audio.tempo import Tempo
from deployments.errors import ServiceError
from deployments.service.outputs import Outputs
from deployments.synthesis.events import Event, Finished, Progress
from deployments.synthesis.synthesizer import seconds
from deployments.xcodec2.protocol import HOP, Waveform

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """Bytes of a file, and the seconds of audio in them. The last chunk has the result of the speech."""

    data: bytes
    seconds: float
    finished: Finished | None = None
    copy: str | None = None
    """Name of the stored copy; only in the last chunk."""


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Format and handling of generated speech."""

    format: Format
    rate: int
    """Requested Hz."""
    speed: float = 1.0
    most_codes: int | None = None
    """Maximum codes, after which the speech is cut."""
    seed: int = 0
    """Seed to report for a speech that is cut."""
    kept_in: Outputs | None = None
    """Where to store a copy."""
    details: bool = False
    """Whether to return all details, too."""

    @property
    def media_type(self) -> str:
        """Media type of the file."""
        return MEDIA_TYPES[self.format]


async def pieces(
    first: Event, events: AsyncGenerator[Event, None], delivery: OutputOptions, *, streamed: bool = True
) -> AsyncGenerator[AudioChunk | Progress, None]:
    """Yields the file in chunks; if it is not streamed, all of it in the last one. Closes the events."""
    file = _File(delivery, streamed=streamed)
    event, finished = first, None
    async with aclosing(events):
        while not finished:
            if isinstance(event, Finished):
                finished = event
            elif isinstance(event, Progress):
                yield event
            elif piece := await asyncio.to_thread(file.write, event.wav):
                yield piece
            if file.full:
                finished = Finished("length", delivery.seed, "")
            elif not finished:
                event = await anext(events)
    yield await asyncio.to_thread(file.close, finished)


async def whole(first: Event, events: AsyncGenerator[Event, None], delivery: OutputOptions) -> AudioChunk:
    """Returns the whole file."""
    async for piece in pieces(first, events, delivery, streamed=False):
        if isinstance(piece, AudioChunk) and piece.finished:
            return piece
    raise ServiceError("Speech generation ended unexpectedly. Try again.")


class _File:
    """A container, the bytes before it, and the stored copy. Its calls block."""

    def __init__(self, delivery: OutputOptions, *, streamed: bool) -> None:
        self._delivery = delivery
        self._container = open_container(delivery.format, delivery.rate, streamed=streamed)
        self._tempo = Tempo(delivery.speed) if delivery.speed != 1 else None
        self._room = None if delivery.most_codes is None else delivery.most_codes * HOP
        self._taken = 0
        self._seconds = 0.0
        self._copy: list[bytes] = []

    @property
    def full(self) -> bool:
        return self._room is not None and self._taken >= self._room

    def write(self, wav: Waveform) -> AudioChunk | None:
        wav = wav if self._room is None else wav[: self._room - self._taken]
        self._taken += len(wav)
        if self._tempo:
            wav = self._tempo.write(wav)
        return self._piece(self._container.write(wav), seconds(wav))

    def close(self, finished: Finished) -> AudioChunk:
        wav = self._tempo.close() if self._tempo else None
        data = self._container.write(wav) if wav is not None else b""
        self._seconds += seconds(wav) if wav is not None else 0.0
        data += self._container.close()
        if not self._delivery.kept_in:
            return AudioChunk(data, self._seconds, finished)
        try:
            copy = self._delivery.kept_in.keep(b"".join([*self._copy, data]), f".{self._delivery.format}").name
        except OSError as error:  # the speech is still good without a copy
            logger.warning("No copy could be kept in OUTPUTS_DIR: %s", error)
            warning = f"No copy of the speech could be kept ({error.strerror})."
            return AudioChunk(data, self._seconds, replace(finished, warnings=(*finished.warnings, warning)))
        return AudioChunk(data, self._seconds, finished, copy)

    def _piece(self, data: bytes, length: float) -> AudioChunk | None:
        self._seconds += length
        if not data:
            return None
        if self._delivery.kept_in:
            self._copy.append(data)
        piece = AudioChunk(data, self._seconds)
        self._seconds = 0.0
        return piece
