"""Turns long recordings into jobs, and transcribes the blocks of jobs."""

import asyncio
from contextlib import aclosing
from io import BytesIO
from typing import Final

import numpy as np

from deployments.audio.encoder import encoded
from deployments.jobs.recordings import BlockOrder, TranscriptionOrder
from deployments.service.job_desk import LongRecording
from deployments.service.listener import Listener
from deployments.service.requests import Requests
from deployments.whisper.protocol import Transcript
from deployments.xcodec2.protocol import SAMPLE_RATE

_BLOCK_S: Final = 60
"""Longest block of a job. Whisper hears one recording after the other: others wait for the end of a block at most."""


async def transcription_order(requests: Requests, recording: LongRecording) -> TranscriptionOrder:
    """Returns the job that transcribes a recording of at most MAX_JOB_RECORDING.

    Raises:
        InvalidAudio: the recording cannot be decoded, or is too short or too long.
    """
    flacs, seconds = [], []
    clip, longest = recording.clip, requests.settings.max_job_recording
    async with (
        requests.audio.recording(await requests.file(clip), clip.param, longest) as opened,
        aclosing(opened.blocks(_BLOCK_S)) as blocks,
    ):
        async for block in blocks:
            flacs.append(await asyncio.to_thread(encoded, block, "flac", SAMPLE_RATE))
            seconds.append(len(block) / SAMPLE_RATE)
        return TranscriptionOrder(
            tuple(flacs),
            tuple(seconds),
            recording.listening,
            recording.response_format,
            recording.title or recording.name or None,
            opened.warnings,
        )


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
