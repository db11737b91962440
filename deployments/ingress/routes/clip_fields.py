"""The form fields that name a clip: an upload, or a URL instead."""

from typing import Annotated, Final

from fastapi import UploadFile
from pydantic import Field

from deployments.errors import InvalidInput, UnprocessableInput
from deployments.service.backend import Clip

_URL: Final = "audio_url"

ClipUrl = Annotated[
    str | None, Field(description="Instead of an upload: a data URL, or a URL of an allowed host (REF_AUDIO_HOSTS).")
]


def clip_of(upload: UploadFile | None, url: str | None, param: str) -> Clip:
    """Returns the clip of a form; `param` names the field of the upload.

    Raises:
        InvalidInput: both fields are given.
        UnprocessableInput: neither field is given.
    """
    if upload and url:
        raise InvalidInput(f"Give one clip: {param} or {_URL}.", param)
    if url:
        return Clip(url=url, param=_URL)
    if not upload:
        raise UnprocessableInput(f"The field {param} is missing or empty.", param)
    return Clip(upload.file, param=param)
