"""A live session: text comes in pieces, and speech goes out as soon as a clause is complete.

Its messages are those of vLLM-Omni's `/v1/audio/speech/stream`, so that clients of that work unchanged. The session is
given functions that receive and send, and knows nothing of HTTP.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from deployments.audio.encoder import rate_of
from deployments.errors import InputTooLarge, InvalidInput, InvalidText, ServiceError, TimedOut, Unauthorized
from deployments.service.backend import Clip
from deployments.service.bodies import parse
from deployments.service.clauses import Splitter, Unit
from deployments.service.live_config import LiveConfig
from deployments.service.live_messages import ErrorMessage, SessionConfigured, SessionDone
from deployments.service.live_speaker import LiveSpeaker, Sender, Spoken
from deployments.service.service import SpeechService

MOST_BYTES: Final = 256 * 1024
"""Longest message of a client."""
_MOST_TEXTS: Final = 10
"""Text that may wait to be spoken, in multiples of MAX_TEXT_LENGTH."""

Receiver = Callable[[], Awaitable[str | bytes | None]]
"""Receives the next message; None: the client is gone."""
Identifier = Callable[[str], str | None]
"""Returns the client's name of an API key; None if the key is unknown."""

NORMAL, POLICY, TOO_BIG = 1000, 1008, 1009
"""Codes with which a WebSocket is closed."""


class LiveSession:
    """One client's session.

    Args:
        service: Speaks.
        receive: Receives a message.
        send: Sends a message or audio.
        client: Name of the client; None: its first message must have an API key.
        identify: Looks up API keys.
    """

    def __init__(
        self,
        service: SpeechService,
        receive: Receiver,
        send: Sender,
        client: str | None,
        identify: Identifier = lambda key: None,
    ) -> None:
        self._service = service
        self._receive = receive
        self._send = send
        self._client = client
        self._identify = identify
        self._config: LiveConfig | None = None
        self._clip: Clip | None = None
        self._splitter = Splitter("none", 1)
        self._speaker: LiveSpeaker | None = None
        self._utterance = 0
        self._units = 0
        self._closing = False

    async def run(self) -> int:
        """Serves the session until it is closed; returns the code to close the WebSocket with.

        When the client is gone, nothing of the session goes on.
        """
        try:
            while (message := await self._next()) is not None:
                try:
                    await self._handle(message)
                except ServiceError as error:
                    await self._send(ErrorMessage.of(error).sent())
                    if isinstance(error, Unauthorized | InputTooLarge):
                        return POLICY if isinstance(error, Unauthorized) else TOO_BIG
        except TimedOut as error:
            await self._send(ErrorMessage.of(error).sent())
        finally:
            if self._speaker:
                await self._speaker.stop()
        return NORMAL

    async def _next(self) -> str | bytes | None:
        """Returns the next message; None at the end of the session.

        Raises:
            TimedOut: nothing came for too long, and nothing was being spoken.
        """
        limit = self._service.settings.live_idle_timeout
        receiving = asyncio.ensure_future(self._receive())
        try:
            while not receiving.done():
                speaking = self._speaker.task if self._speaker and not self._speaker.is_idle else None
                if self._closing and not speaking:
                    return None
                awaited = {receiving, speaking} if speaking else {receiving}
                done, _ = await asyncio.wait(
                    awaited, timeout=None if speaking else limit, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    raise TimedOut(f"No message came for {limit:g} s.")
            return receiving.result()
        finally:
            receiving.cancel()

    async def _handle(self, raw: str | bytes) -> None:
        if len(raw) > MOST_BYTES or (isinstance(raw, str) and len(raw.encode(errors="replace")) > MOST_BYTES):
            raise InputTooLarge(f"The message is longer than {MOST_BYTES // 1024} KiB.")
        message = _parsed(raw)
        kind = message.get("type")
        if kind == "session.config":
            await self._configure(message)
        elif self._client is None:
            raise _unauthorized()
        elif self._closing and kind != "input.cancel":
            raise InvalidInput("The session is being closed.", "type")
        elif kind == "session.close":
            self._finish()
            self._closing = True
        elif self._config is None:
            raise InvalidInput("The first message must be session.config.", "type")
        elif kind == "input.text":
            self._write(message.get("text"))
        elif kind == "input.done":
            self._finish(always=True)
        elif kind == "input.cancel":
            await self._cancel()
        else:
            raise InvalidInput(
                "Unknown type of message: send session.config, input.text, input.done, input.cancel or session.close.",
                "type",
            )

    async def _configure(self, message: dict[str, Any]) -> None:
        if self._units or self._splitter.pending:
            raise InvalidInput("Send input.done or input.cancel before another session.config.", "type")
        config = parse(LiveConfig, message)
        if self._client is None:
            self._client = self._identify(config.api_key.get_secret_value()) if config.api_key else None
            if self._client is None:
                raise _unauthorized()
        clip = await self._service.fetched(config.clip) if config.clip else None
        if clip is None:
            if not config.voice:
                raise InvalidInput("Give a voice or a clip.", "voice")
            await self._service.voices.get(config.voice)
        settings = self._service.settings
        self._config, self._clip = config, clip
        self._splitter = Splitter(config.split_granularity, settings.max_text_length)
        self._speaker = self._speaker or LiveSpeaker(self._service, self._send, self._client)
        complete = config.with_defaults(settings, self._service.profile)
        assert complete.sample_rate  # noqa: S101 - it has its defaults
        await self._send(
            SessionConfigured(
                voice=config.voice,
                response_format=config.response_format,
                sample_rate=rate_of(config.response_format, complete.sample_rate),
                seed=complete.seed,
                split_granularity=config.split_granularity,
                word_timestamps=config.word_timestamps,
                ignored=[*config.ignored, *config.unused(self._service.profile)],
            ).sent()
        )

    def _write(self, text: object) -> None:
        if not isinstance(text, str):
            raise InvalidInput("input.text needs a text.", "text")
        assert self._speaker  # noqa: S101 - it is configured
        longest = _MOST_TEXTS * self._service.settings.max_text_length
        if self._speaker.waiting + self._splitter.pending + len(text) > longest:
            raise InvalidText(f"More than {longest} characters wait to be spoken: send this text later.", "text")
        self._add(self._splitter.add(text))

    def _finish(self, *, always: bool = False) -> None:
        """Speaks the rest of the utterance; `always` also ends one without text."""
        if self._config is None or self._speaker is None:
            return
        self._add(self._splitter.finish())
        if self._units or always:
            self._speaker.add(Spoken(self._utterance, self._units, None, self._config))
            self._utterance, self._units = self._utterance + 1, 0

    async def _cancel(self) -> None:
        """Drops the text and the audio that have not been sent, and ends all utterances."""
        assert self._speaker  # noqa: S101 - it is configured
        speaker = self._speaker
        await speaker.stop()
        begun = self._units > 0 or self._splitter.pending > 0
        self._splitter.finish()
        # At least one message confirms that nothing more comes.
        last = self._utterance + 1 if begun or speaker.ended == self._utterance else self._utterance
        spoken = speaker.spoken
        for index in range(speaker.ended, last):
            await self._send(SessionDone(utterance_index=index, total_sentences=spoken, cancelled=True).sent())
            spoken = 0
        self._utterance = speaker.ended = last
        self._units = 0

    def _add(self, units: list[Unit]) -> None:
        assert self._config and self._speaker  # noqa: S101, PT018 - it is configured
        for unit in units:
            self._speaker.add(Spoken(self._utterance, self._units, unit, self._config, self._clip))
            self._units += 1


def _parsed(raw: str | bytes) -> dict[str, Any]:
    if isinstance(raw, bytes):
        raise InvalidInput("Send messages as JSON in text frames.")
    try:
        message = json.loads(raw)
    except (ValueError, RecursionError):
        raise InvalidInput("The message is not valid JSON.") from None
    if not isinstance(message, dict):
        raise InvalidInput("The message is not a JSON object.")
    return message


def _unauthorized() -> Unauthorized:
    return Unauthorized(
        "Missing or invalid API key. Send it in a header, or as `api_key` in session.config.", "api_key"
    )
