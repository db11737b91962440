"""The fields of a form that name a clip: an upload, or an address in its place."""

import asyncio
from typing import Annotated, Final

from fastapi import UploadFile
from pydantic import Field

from deployments.errors import InvalidInput, UnprocessableInput
from deployments.ingress.remote_clip import clip_reader
from deployments.settings import Settings
from deployments.speech.clip import ClipLimits, read_clip
from deployments.xcodec2.protocol import Waveform

_URL: Final = "audio_url"

ClipUrl = Annotated[
    str | None, Field(description="In place of the upload: a data URL, or one of a permitted host (REF_AUDIO_HOSTS).")
]


class ClipFields:
    """Reads them.

    Args:
        settings: Tell which hosts may be asked.
    """

    def __init__(self, settings: Settings) -> None:
        self._remote = clip_reader(settings)

    async def read(self, upload: UploadFile | None, url: str | None, limits: ClipLimits, param: str) -> Waveform:
        """[samples] mono at 16 kHz.

        Raises:
            InvalidInput: both are given, or what is given cannot be used.
            UnprocessableInput: neither is given.
        """
        if upload and url:
            raise InvalidInput(f"Give one clip: {param} or {_URL}.", param)
        if url:
            return await asyncio.to_thread(read_clip, await self._remote.read(url, _URL), limits, _URL)
        if not upload:
            raise UnprocessableInput(f"The field {param} is missing or empty.", param)
        return await asyncio.to_thread(read_clip, upload.file, limits, param)
