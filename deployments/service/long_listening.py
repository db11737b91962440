"""Turns long recordings into jobs, and transcribes the blocks of jobs."""

import asyncio
from contextlib import aclosing
from io import BytesIO
from typing import IO, Final

import numpy as np

from deployments.audio.clip import AudioReader
from deployments.audio.encoder import encoded
from deployments.jobs.recordings import BlockOrder, TranscriptionOrder
from deployments.service.listener import Listener
from deployments.whisper.protocol import Listening, Transcript, TranscriptFormat
from deployments.xcodec2.protocol import SAMPLE_RATE

_BLOCK_S: Final = 60
"""Longest block of a job. Whisper hears one recording after the other: others wait for the end of a block at most."""


async def transcription_order(
    audio: AudioReader,
    file: IO[bytes] | bytes,
    param: str,
    listening: Listening,
    format: TranscriptFormat,
    longest: float,
    title: str | None = None,
) -> TranscriptionOrder:
    """Returns the job that transcribes a recording of at most so many seconds.

    Raises:
        InvalidAudio: the recording cannot be decoded, or is too short or too long.
    """
    flacs, seconds = [], []
    async with audio.recording(file, param, longest) as recording, aclosing(recording.blocks(_BLOCK_S)) as blocks:
        async for block in blocks:
            flacs.append(await asyncio.to_thread(encoded, block, "flac", SAMPLE_RATE))
            seconds.append(len(block) / SAMPLE_RATE)
        return TranscriptionOrder(tuple(flacs), tuple(seconds), listening, format, title, recording.warnings)


async def hear_block(listener: Listener, order: BlockOrder) -> Transcript:
    """Transcribes a block of a job.

    Raises:
        InvalidInput: the checkpoint does not know the language.
        Unavailable: Whisper cannot serve.
    """
    from deployments.jobs.sound import read

    wav = await asyncio.to_thread(lambda: np.concatenate([*read(BytesIO(order.flac))]))
    async with aclosing(listener.transcribe(wav, order.listening)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Transcript):
                return piece
    raise AssertionError("a block ended without its transcript")
