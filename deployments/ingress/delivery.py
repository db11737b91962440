"""From the events of a synthesis to the pieces of a file."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from deployments.errors import ServiceError
from deployments.speech.container import MEDIA_TYPES, Format, open_container
from deployments.speech.events import Event, Finished, Progress
from deployments.speech.outputs import Outputs
from deployments.speech.synthesis import seconds
from deployments.speech.tempo import Tempo
from deployments.xcodec2.protocol import HOP, Waveform

logger = logging.getLogger("ray.serve")


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a file, and the seconds of audio in them. The last piece tells how the speech ended."""

    data: bytes
    seconds: float
    finished: Finished | None = None
    copy: str | None = None
    """Name of the copy that was kept; only of the last piece."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What becomes of speech on its way out."""

    format: Format
    rate: int
    """Hz that are asked for."""
    speed: float = 1.0
    most_codes: int | None = None
    """Speech is cut there."""
    seed: int = 0
    """Of speech that was cut."""
    kept_in: Outputs | None = None
    """Where a copy goes."""
    details: bool = False
    """Tell all that is known of it, too."""

    @property
    def media_type(self) -> str:
        """Of the file."""
        return MEDIA_TYPES[self.format]


async def pieces(
    first: Event, events: AsyncGenerator[Event, None], delivery: Delivery, *, streamed: bool = True
) -> AsyncGenerator[Piece | Progress, None]:
    """The file, piece by piece; whole in its last one if it is not streamed. Closes the events."""
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


async def whole(first: Event, events: AsyncGenerator[Event, None], delivery: Delivery) -> Piece:
    """The file at once."""
    async for piece in pieces(first, events, delivery, streamed=False):
        if isinstance(piece, Piece) and piece.finished:
            return piece
    raise ServiceError("The speech has no end: try again.")


class _File:
    """A container, what comes before it, and the copy that is kept. Its calls block."""

    def __init__(self, delivery: Delivery, *, streamed: bool) -> None:
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

    def write(self, wav: Waveform) -> Piece | None:
        wav = wav if self._room is None else wav[: self._room - self._taken]
        self._taken += len(wav)
        if self._tempo:
            wav = self._tempo.write(wav)
        return self._piece(self._container.write(wav), seconds(wav))

    def close(self, finished: Finished) -> Piece:
        wav = self._tempo.close() if self._tempo else None
        data = self._container.write(wav) if wav is not None else b""
        self._seconds += seconds(wav) if wav is not None else 0.0
        data += self._container.close()
        if not self._delivery.kept_in:
            return Piece(data, self._seconds, finished)
        try:
            copy = self._delivery.kept_in.keep(b"".join([*self._copy, data]), f".{self._delivery.format}").name
        except OSError as error:  # without one the speech is as good
            logger.warning("No copy could be kept in OUTPUTS_DIR: %s", error)
            warning = f"No copy of the speech could be kept ({error.strerror})."
            return Piece(data, self._seconds, replace(finished, warnings=(*finished.warnings, warning)))
        return Piece(data, self._seconds, finished, copy)

    def _piece(self, data: bytes, length: float) -> Piece | None:
        self._seconds += length
        if not data:
            return None
        if self._delivery.kept_in:
            self._copy.append(data)
        piece = Piece(data, self._seconds)
        self._seconds = 0.0
        return piece
