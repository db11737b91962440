"""The form fields that name a clip: an upload, or a URL instead."""

from typing import IO, Annotated, Final

from fastapi import UploadFile
from pydantic import Field

from deployments.errors import InvalidInput, UnprocessableInput
from deployments.service.remote_clip import clip_reader
from deployments.settings import Settings

_URL: Final = "audio_url"

ClipUrl = Annotated[
    str | None, Field(description="Instead of an upload: a data URL, or a URL of an allowed host (REF_AUDIO_HOSTS).")
]


class ClipFields:
    """Reads the fields.

    Args:
        settings: Permit hosts.
    """

    def __init__(self, settings: Settings) -> None:
        self._remote = clip_reader(settings)

    async def read(self, upload: UploadFile | None, url: str | None, param: str) -> tuple[IO[bytes] | bytes, str]:
        """Returns the clip's file, and the name of the field that it came in.

        Raises:
            InvalidInput: both fields are given, or the one that is given cannot be used.
            UnprocessableInput: neither field is given.
        """
        if upload and url:
            raise InvalidInput(f"Give one clip: {param} or {_URL}.", param)
        if url:
            return await self._remote.read(url, _URL), _URL
        if not upload:
            raise UnprocessableInput(f"The field {param} is missing or empty.", param)
        return upload.file, param
