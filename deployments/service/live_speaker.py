"""Speaks the units of a live session, one after the other."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from deployments.audio.encoder import rate_of
from deployments.errors import ServiceError
from deployments.service.backend import Clip
from deployments.service.clauses import Unit
from deployments.service.deadline import deadline_error
from deployments.service.delivery import SpeechResult
from deployments.service.live_config import LiveConfig
from deployments.service.live_messages import AudioChunk, AudioDone, AudioStart, ErrorMessage, SessionDone
from deployments.service.service import SpeechService

logger = logging.getLogger(__name__)

Sender = Callable[[Mapping[str, Any] | bytes], Awaitable[None]]
"""Sends a message or audio to the client; waits while the client reads too slowly."""
_SAMPLE_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class Spoken:
    """A unit of an utterance; without one, the end of the utterance."""

    utterance: int
    index: int
    """Number of the unit in the utterance, or of all its units at its end."""
    unit: Unit | None
    config: LiveConfig
    clip: Clip | None = None


class LiveSpeaker:
    """Speaks in the order in which it is asked, and sends the audio as it is generated.

    Args:
        service: Speaks; each unit takes a turn of the client.
        send: Sends to the client.
        client: Name of the client.
    """

    def __init__(self, service: SpeechService, send: Sender, client: str) -> None:
        self._service = service
        self._send = send
        self._client = client
        self._queue: deque[Spoken] = deque()
        self._utterance = -1
        self._deadline = 0.0
        self.spoken = 0
        """Units of the current utterance that have been sent."""
        self.ended = 0
        """Utterances whose end has been sent."""
        self.task: asyncio.Task[None] | None = None
        """Runs while there is something to speak."""

    @property
    def waiting(self) -> int:
        """Number of characters that wait to be spoken."""
        return sum(len(spoken.unit.text) for spoken in self._queue if spoken.unit)

    @property
    def is_idle(self) -> bool:
        return self.task is None or self.task.done()

    def add(self, spoken: Spoken) -> None:
        """Speaks a unit after all others."""
        self._queue.append(spoken)
        if self.is_idle:
            self.task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Drops all that has not been sent, and frees the engine."""
        self._queue.clear()
        if self.task:
            self.task.cancel()
            await asyncio.wait({self.task})
            if not self.task.cancelled() and (error := self.task.exception()):
                logger.error("A live session broke off", exc_info=error)
            self.task = None

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue:
            spoken = self._queue.popleft()
            if spoken.utterance != self._utterance:
                self._utterance, self.spoken = spoken.utterance, 0
                self._deadline = loop.time() + self._service.settings.request_timeout
            if spoken.unit:
                await self._speak(spoken, spoken.unit)
                self.spoken += 1
            else:
                done = SessionDone(utterance_index=spoken.utterance, total_sentences=spoken.index)
                await self._send(done.sent())
                self.ended = spoken.utterance + 1

    async def _speak(self, spoken: Spoken, unit: Unit) -> None:
        place: dict[str, Any] = {"utterance_index": spoken.utterance, "sentence_index": spoken.index}
        params = spoken.config.of_unit(unit.text).with_defaults(self._service.settings, self._service.profile)
        assert params.sample_rate  # noqa: S101 - it has its defaults
        rate = rate_of(params.response_format, params.sample_rate)
        kind: dict[str, Any] = {"format": params.response_format, "sample_rate": rate}
        await self._send(AudioStart(**place, sentence_text=unit.text, **kind).sent())
        sent = 0
        failed: ServiceError | None = None
        try:
            async with asyncio.timeout_at(self._deadline):
                chunks = self._service.speak(params, spoken.clip, streamed=True, caller=self._client)
                async with aclosing(chunks):
                    async for chunk in chunks:
                        data = chunk.data
                        if chunk.result:
                            if params.response_format in ("pcm", "wav"):
                                data += bytes(_SAMPLE_BYTES * round(unit.pause * rate))
                            if spoken.config.word_timestamps:
                                words = _words(chunk.result, params.speed)
                                await self._send(AudioChunk(**place, **kind, **words).sent())
                        if data:
                            sent += len(data)
                            await self._send(data)
        except ServiceError as error:
            failed = error
        except TimeoutError:
            failed = deadline_error(self._service.settings.request_timeout)
        except Exception as error:
            logger.error("A unit of a live session failed", exc_info=error)
            failed = ServiceError("An internal error occurred. See the service's log.")
        if failed:
            await self._send(ErrorMessage.of(failed, **place).sent())
        await self._send(AudioDone(**place, total_bytes=sent, error=failed is not None).sent())


def _words(result: SpeechResult, speed: float) -> dict[str, Any]:
    """Returns the times of a unit's words in seconds from its beginning, as a chunk without audio."""
    words = [{"word": word.text, "start_time": word.start, "end_time": word.end} for word in result.words(speed)]
    return {"chunk_id": 0, "audio_b64": "", "timestamps": words}
