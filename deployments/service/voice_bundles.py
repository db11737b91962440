"""Exports and imports stored voices."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import IO, Final

from deployments.errors import InvalidInput
from deployments.service.retry import with_retries
from deployments.service.service import SpeechService
from deployments.service.turns import Turn, in_turn
from deployments.text.checks import check_ref_text
from deployments.voices.bundle import MOST_BYTES, unpacked
from deployments.voices.store import Voice

BUNDLE_TYPE: Final = "application/zip"


class VoiceBundles:
    """The bundles of a service's voices.

    Args:
        service: Has the voices.
    """

    def __init__(self, service: SpeechService) -> None:
        self._service = service

    async def export(self, voice: str) -> bytes:
        """Returns the bundle of a stored voice by its name or id."""
        return await with_retries(lambda: self._service.voices.bundle(voice))

    async def restore(self, file: IO[bytes], name: str | None, *, caller: Turn | str) -> Voice:
        """Stores the voice of a bundle.

        Args:
            file: The bundle.
            name: Name of the voice; None: that in the bundle.
            caller: The turn that the request holds, or the name of a client that waits for one.

        Raises:
            InvalidInput: the file is not a bundle, or was changed; its name, its consent or its text is invalid.
            InvalidAudio: its clip cannot be used.
            InputTooLarge: the file, or one in it, is too large.
            Conflict: a voice of that name exists.
        """

        async def restored(_: Turn) -> AsyncGenerator[Voice, None]:
            bundle = await asyncio.to_thread(lambda: unpacked(file.read(MOST_BYTES + 1)))
            if not check_ref_text(bundle.ref_text, self._service.settings.max_text_length):
                raise InvalidInput("The voice bundle has no text of its clip.", "file")
            clip = await self._service.audio.clip(bundle.clip, "file")
            yield await with_retries(lambda: self._service.voices.restore(name or bundle.name, bundle, clip.wav))

        settings = self._service.settings
        async with aclosing(in_turn(self._service.admission, caller, settings.request_timeout, restored)) as voices:
            return await anext(voices)
