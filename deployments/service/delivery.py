"""Turns the events of a speech into the chunks of a file."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Self

from deployments.audio.encoder import MEDIA_TYPES, Format, open_container, rate_of
from deployments.audio.tempo import Tempo
from deployments.service.details import at_speed, details
from deployments.service.outputs import Outputs, outputs_for
from deployments.service.parameters import SpeechParams
from deployments.settings import Settings
from deployments.synthesis.events import Finished, Progress, SpeechEvent
from deployments.synthesis.synthesizer import seconds
from deployments.synthesis.usage import Usage
from deployments.whisper.protocol import Word
from deployments.xcodec2.protocol import HOP, Waveform

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SpeechResult:
    """A file of speech, once it is complete."""

    finished: Finished
    duration: float
    """Seconds."""
    media_type: str
    sample_rate: int
    """Hz."""
    usage: Usage = field(default_factory=Usage)
    output: str | None = None
    """Name of the stored copy."""
    details: dict[str, Any] | None = None
    """Parts, captions and word times, if the request wants them."""

    def words(self, speed: float) -> list[Word]:
        """Returns the words of the text if Whisper timed them, with times in the file, whose speed is given."""
        return [word for part in self.finished.parts for word in at_speed(part, speed, self.duration).words]


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A stage that begins, or the next bytes of the file. The last chunk has the result, too."""

    data: bytes = b""
    seconds: float = 0.0
    """Seconds of audio in the data."""
    progress: Progress | None = None
    result: SpeechResult | None = None


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Format and handling of generated speech."""

    format: Format
    rate: int
    """Requested Hz."""
    streamed: bool = True
    """Whether the file is sent while it is generated. Its header then has no length."""
    speed: float = 1.0
    most_codes: int | None = None
    """Maximum codes, after which the speech is cut."""
    seed: int = 0
    """Seed to report for a speech that is cut."""
    kept_in: Outputs | None = None
    """Where to store a copy."""
    details: bool = False
    """Whether the result has details."""

    @classmethod
    def of(cls, params: SpeechParams, settings: Settings, *, streamed: bool) -> Self:
        """Returns the options of a request that has its defaults.

        Raises:
            InvalidInput: a copy is requested, but this service stores none.
        """
        assert params.sample_rate is not None and params.seed is not None  # noqa: S101, PT018 - with_defaults
        return cls(
            params.response_format,
            params.sample_rate,
            streamed,
            params.speed,
            params.max_new_tokens,
            params.seed,
            outputs_for(settings, keep=params.keep),
            params.details,
        )


async def complete(chunks: AsyncGenerator[SpeechChunk, None]) -> tuple[bytes, SpeechResult]:
    """Returns a file that is not streamed, and its result."""
    async with aclosing(chunks):
        async for chunk in chunks:
            if chunk.result:
                return chunk.data, chunk.result
    raise AssertionError("a speech ended without its result")


async def file_chunks(
    events: AsyncGenerator[SpeechEvent, None], options: OutputOptions, usage: Usage
) -> AsyncGenerator[SpeechChunk, None]:
    """Yields the file in chunks, and progress. If it is not streamed, all of it is in the last chunk.

    Args:
        events: The speech; closed at the end.
        options: Format of the file.
        usage: Reported in the result.
    """
    file = _File(options)
    finished: Finished | None = None
    async with aclosing(events):
        while not finished:
            event = await anext(events)
            if event.progress:
                yield SpeechChunk(progress=event.progress)
            elif event.audio is not None and (chunk := await asyncio.to_thread(file.write, event.audio)):
                yield chunk
            finished = Finished("length", options.seed, "") if file.full else event.finished
    yield await asyncio.to_thread(file.close, finished, usage)


class _File:
    """A container, the bytes before it, and the stored copy. Its calls block."""

    def __init__(self, options: OutputOptions) -> None:
        self._options = options
        self._container = open_container(options.format, options.rate, streamed=options.streamed)
        self._tempo = Tempo(options.speed) if options.speed != 1 else None
        self._room = None if options.most_codes is None else options.most_codes * HOP
        self._taken = 0
        self._pending = 0.0  # seconds of audio since the last chunk
        self._duration = 0.0
        self._copy: list[bytes] = []

    @property
    def full(self) -> bool:
        return self._room is not None and self._taken >= self._room

    def write(self, wav: Waveform) -> SpeechChunk | None:
        wav = wav if self._room is None else wav[: self._room - self._taken]
        self._taken += len(wav)
        data = self._encode(self._tempo.write(wav) if self._tempo else wav)
        return self._chunk(data) if data else None

    def close(self, finished: Finished, usage: Usage) -> SpeechChunk:
        data = self._encode(self._tempo.close()) if self._tempo else b""
        chunk = self._chunk(data + self._container.close())
        finished, copy = self._keep(finished)
        result = SpeechResult(
            finished,
            self._duration,
            MEDIA_TYPES[self._options.format],
            rate_of(self._options.format, self._options.rate),
            usage,
            copy,
        )
        if self._options.details:
            found = details(finished, self._options.speed, self._duration, result.sample_rate)
            result = replace(result, details=found)
        return replace(chunk, result=result)

    def _encode(self, wav: Waveform) -> bytes:
        self._pending += seconds(wav)
        self._duration += seconds(wav)
        return self._container.write(wav)

    def _chunk(self, data: bytes) -> SpeechChunk:
        if self._options.kept_in:
            self._copy.append(data)
        chunk = SpeechChunk(data, self._pending)
        self._pending = 0.0
        return chunk

    def _keep(self, finished: Finished) -> tuple[Finished, str | None]:
        if not self._options.kept_in:
            return finished, None
        try:
            return finished, self._options.kept_in.keep(b"".join(self._copy), f".{self._options.format}").name
        except OSError as error:  # the speech is still good without a copy
            logger.warning("No copy could be kept in OUTPUTS_DIR: %s", error)
            warning = f"No copy of the speech could be kept ({error.strerror})."
            return replace(finished, warnings=(*finished.warnings, warning)), None
