"""Transcribes recordings block by block, as they are decoded."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import IO, Unpack

from deployments.audio.clip import AudioReader
from deployments.errors import ReplicaLost
from deployments.residency.protocol import Residency
from deployments.service.retry import ATTEMPTS
from deployments.whisper.protocol import Listening, Segment, Transcriber, Transcript, Waveform


class Listener:
    """Transcribes files of any length. Never holds a whole file in memory.

    Args:
        audio: Decodes the files.
        transcriber: Transcribes each block.
        residency: Keeps Whisper loaded meanwhile.
    """

    def __init__(self, audio: AudioReader, transcriber: Transcriber, residency: Residency) -> None:
        self._audio = audio
        self._transcriber = transcriber
        self._residency = residency

    async def listen(
        self, file: IO[bytes] | bytes, param: str, **listening: Unpack[Listening]
    ) -> AsyncGenerator[Segment | Transcript, None]:
        """Yields each segment of a file as it is transcribed, and the transcript last.

        Args:
            file: The file to decode.
            param: Name of the request's field, for errors.
            listening: Options of `Transcriber`. The default language is that of the first speech.

        Raises:
            InvalidAudio: the file cannot be decoded, or is too short or too long.
            InvalidInput: the checkpoint does not know the language.
            Unavailable: Whisper cannot serve.
        """
        whole = Transcript("", listening.get("language") or "en", 0.0, 0.0)
        async with self._audio.recording(file, param) as recording, aclosing(recording.blocks()) as blocks:
            async for block in blocks:
                async with aclosing(self.transcribe(block, listening)) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, Transcript):
                            whole = whole.followed_by(piece)
                        else:
                            yield piece.later(whole.duration)
                if whole.language_probability:
                    listening = {**listening, "language": whole.language}
            yield replace(whole, warnings=recording.warnings)

    async def transcribe(self, block: Waveform, listening: Listening) -> AsyncGenerator[Segment | Transcript, None]:
        """Yields each segment of [samples] mono at 16 kHz, and the transcript last."""
        given = 0
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with (
                    self._residency.held(["Whisper"]),
                    aclosing(self._transcriber.stream(block, **listening)) as pieces,
                ):
                    number = 0
                    async for piece in pieces:
                        number += 1
                        if number > given:  # segments of a lost replica are transcribed again, but not sent twice
                            given = number
                            yield piece
                return
            except ReplicaLost:
                if attempt == ATTEMPTS:
                    raise
