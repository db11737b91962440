"""Arguments that several tools have."""

import asyncio
from typing import Annotated, Literal

from pydantic import Field

from deployments.errors import InputTooLarge, InvalidInput
from deployments.mcp.files import AllowedFolders
from deployments.service.data_url import forgiving_base64
from deployments.service.requests import Clip

Model = Annotated[Literal["Llasa", "XCodec2", "Whisper"] | None, Field(description="Which; missing: all.")]
Base64 = Annotated[str | None, Field(description="A clip, as base64 of any audio file.")]
Url = Annotated[str | None, Field(description="A clip's address, where the service permits its host.")]
LocalPath = Annotated[str | None, Field(description="A clip's path on this machine. Only over stdio.")]
RefText = Annotated[str | None, Field(description="What the clip says. Missing: it is listened to.")]


class Clips:
    """Reads the clips that arguments name.

    Args:
        most_bytes: That a clip may have.
        files: Where paths may lead; None: paths are refused.
    """

    def __init__(self, most_bytes: int, files: AllowedFolders | None) -> None:
        self._most_bytes = most_bytes
        self._files = files

    @property
    def take_paths(self) -> bool:
        """Whether paths may lead anywhere."""
        return self._files is not None

    async def one(self, data: str | None, url: str | None, path: str | None) -> Clip:
        """The clip that is given.

        Raises:
            InvalidInput: there is none, or it cannot be used.
            InputTooLarge: it has more bytes than it may have.
        """
        clip = await self.any(data, url, path)
        if not clip:
            raise InvalidInput("Give a clip.", "audio_base64")
        return clip

    async def any(self, data: str | None, url: str | None, path: str | None) -> Clip | None:
        """Likewise, or None if none is given."""
        if sum(given is not None for given in (data, url, path)) > 1:
            raise InvalidInput("Give one clip: audio_base64, audio_url or audio_path.", "audio_base64")
        if path is not None:
            return Clip(await asyncio.to_thread(self.folders("audio_path").read, path, self._most_bytes, "audio_path"))
        if data is not None:
            return Clip(await asyncio.to_thread(self._decoded, data))
        return Clip(url=url) if url is not None else None

    def folders(self, param: str) -> AllowedFolders:
        """Where paths may lead.

        Raises:
            InvalidInput: nowhere.
        """
        if self._files is None:
            raise InvalidInput("Paths are taken over stdio only.", param)
        return self._files

    def _decoded(self, data: str) -> bytes:
        try:
            clip = forgiving_base64(data.encode())
        except ValueError:
            raise InvalidInput("The clip is not valid base64.", "audio_base64") from None
        if len(clip) > self._most_bytes:
            raise InputTooLarge(
                f"The clip has more than the {self._most_bytes / 1_000_000:g} MB that one may have.", "audio_base64"
            )
        return clip
