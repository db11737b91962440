"""Files of all kinds, read as the service reads them."""

from collections.abc import Awaitable, Callable
from typing import IO

import numpy as np
import pytest
from numpy.typing import NDArray

from deployments.audio.clip import AudioReader, ReferenceClip
from deployments.audio.decoder import Decoder
from deployments.settings import Settings


def settings(**changed: float) -> Settings:
    return Settings(_env_file=None, **{"max_audio_duration": 20} | changed)  # type: ignore[call-arg, arg-type]


@pytest.fixture
def reader(decoder: Decoder) -> AudioReader:
    return AudioReader(decoder, settings())


@pytest.fixture
def read(reader: AudioReader) -> Callable[[IO[bytes] | bytes], Awaitable[ReferenceClip]]:
    """A reference clip."""
    return lambda file: reader.clip(file, "audio")


async def heard(reader: AudioReader, file: IO[bytes] | bytes) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """A recording to transcribe, whole, and what is wrong with it."""
    async with reader.recording(file, "file") as recording:
        blocks = [block async for block in recording.blocks()]
        return np.concatenate(blocks), recording.warnings
