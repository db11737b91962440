"""Imports voices from bundles."""

import asyncio
from typing import IO

from deployments.audio.clip import AudioReader
from deployments.errors import InvalidInput
from deployments.service.retry import with_retries
from deployments.service.voices import Voices
from deployments.settings import Settings
from deployments.text.checks import check_ref_text
from deployments.voices.bundle import MOST_BYTES, unpacked
from deployments.voices.store import Voice


async def restore_voice(
    voices: Voices, audio: AudioReader, settings: Settings, file: IO[bytes] | bytes, name: str | None
) -> Voice:
    """Stores the voice of a bundle.

    Args:
        voices: Where to store it.
        audio: Reads its clip.
        settings: Limit its text.
        file: The bundle.
        name: Name of the voice; None: that in the bundle.

    Raises:
        InvalidInput: the file is not a bundle, or was changed; its name, its consent or its text is invalid.
        InvalidAudio: its clip cannot be used.
        InputTooLarge: the file, or one in it, is too large.
        Conflict: a voice of that name exists.
    """
    bundle = await asyncio.to_thread(lambda: unpacked(file if isinstance(file, bytes) else file.read(MOST_BYTES + 1)))
    if not check_ref_text(bundle.ref_text, settings.max_text_length):
        raise InvalidInput("The voice bundle has no text of its clip.", "file")
    clip = await audio.clip(bundle.clip, "file")
    return await with_retries(lambda: voices.restore(name or bundle.name, bundle, clip.wav))
