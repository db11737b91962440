"""Measures how a client would hear the speech, where its bytes leave."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

from deployments.service.delivery import SpeechChunk
from deployments.service.metrics import CONTINUITY_MS, Metrics
from deployments.service.turns import Turn
from deployments.synthesis.pace import CODES_A_SECOND

Clock = Callable[[], float]


class Playback:
    """One request for speech, and a simulated player that starts at the first audio and waits when its buffer is empty.

    Args:
        metrics: Receives the measurements.
        arrived: Time of the request, by the clock.
        clock: Returns seconds.
    """

    def __init__(self, metrics: Metrics, arrived: float, clock: Clock = time.monotonic) -> None:
        self._metrics: Final = metrics
        self._arrived = arrived
        self._clock = clock
        self._played_until: float | None = None
        self._seconds = 0.0
        self._longest_wait = 0.0
        self._waited = 0.0
        self._over = False

    def sent(self, seconds: float) -> None:
        """Records that bytes with `seconds` of audio were sent."""
        if not seconds:
            return
        now = self._clock()
        if self._played_until is None:
            self._metrics.observe("audio_ttfp_s", now - self._arrived)
            self._played_until = now
        wait = max(0.0, now - self._played_until)
        self._waited += wait
        self._longest_wait = max(self._longest_wait, wait)
        self._played_until = max(self._played_until, now) + seconds
        self._seconds += seconds
        self._metrics.count("audio_frames_total", seconds * CODES_A_SECOND)

    def ended(self, finish: str) -> None:
        """Records that the whole speech was sent."""
        self._over = True
        spent = self._clock() - self._arrived
        self._metrics.observe("e2e_request_latency_s", spent)
        self._metrics.observe("audio_duration_s", self._seconds)
        self._metrics.observe("audio_rtf", spent / max(self._seconds, 1e-3))
        self._metrics.observe("audio_underrun_s", self._waited)
        if self._longest_wait <= CONTINUITY_MS / 1000:
            self._metrics.count("audio_continuity_ok_total", threshold_ms=str(CONTINUITY_MS))
        self._metrics.count("requests_success_total", finished_reason=finish)

    def failed(self, reason: str) -> None:
        """The request failed."""
        if not self._over:
            heard = self._played_until is not None
            self._metrics.count(
                "audio_interrupted_requests_total" if heard else "audio_skipped_requests_total", reason=reason
            )


async def measured(
    chunks: AsyncGenerator[SpeechChunk, None], metrics: Metrics, turn: Turn
) -> AsyncGenerator[SpeechChunk, None]:
    """Yields the chunks of a speech, and measures them: a caller asks for the next one once one was sent."""
    playback = Playback(metrics, turn.began)
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk
                playback.sent(chunk.seconds)
                if chunk.result:
                    playback.ended(chunk.result.finished.finish)
    except BaseException as error:
        playback.failed(turn.reason_of(error))
        raise
