"""Arguments that several tools share."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import Field

from deployments.errors import InputTooLarge, InvalidInput
from deployments.mcp.files import AllowedFolders
from deployments.residency.protocol import Model
from deployments.service.backend import Clip
from deployments.service.data_url import forgiving_base64
from deployments.service.parameters import SpeechParams

ModelName = Annotated[Model | None, Field(description="The model; all by default.")]
Base64 = Annotated[str | None, Field(description="A clip: any audio file, in base64.")]
Url = Annotated[str | None, Field(description="URL of a clip on a host that the service permits.")]
LocalPath = Annotated[str | None, Field(description="Path of a clip on this machine. Only over stdio.")]


def takes_speech_params(tool: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Spreads the fields of SpeechParams over the arguments of a tool, which gets them as its argument `params`."""
    signature = inspect.signature(tool, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "params"]

    @functools.wraps(tool)
    async def spread(**arguments: Any) -> Any:
        fields = {name: arguments.pop(name) for name in SpeechParams.model_fields}
        return await tool(params=SpeechParams(**fields), **arguments)

    spread.__signature__ = signature.replace(parameters=[*own, *SpeechParams.arguments()])  # type: ignore[attr-defined]
    return spread


class Clips:
    """Reads the clips that arguments refer to.

    Args:
        most_bytes: Maximum bytes of a clip.
        files: Folders for paths; None refuses paths.
    """

    def __init__(self, most_bytes: int, files: AllowedFolders | None) -> None:
        self.most_bytes = most_bytes
        self._files = files

    @property
    def take_paths(self) -> bool:
        """Whether paths are permitted."""
        return self._files is not None

    async def one(self, data: str | None, url: str | None, path: str | None) -> Clip:
        """Returns the given clip.

        Raises:
            InvalidInput: no clip is given, or it cannot be used.
            InputTooLarge: the clip has too many bytes.
        """
        clip = await self.any(data, url, path)
        if not clip:
            raise InvalidInput("Give a clip.", "audio_base64")
        return clip

    async def any(self, data: str | None, url: str | None, path: str | None) -> Clip | None:
        """Returns the given clip, or None if there is none."""
        if sum(given is not None for given in (data, url, path)) > 1:
            raise InvalidInput("Give one clip: audio_base64, audio_url or audio_path.", "audio_base64")
        if path is not None:
            return Clip(await asyncio.to_thread(self.folders("audio_path").read, path, self.most_bytes, "audio_path"))
        if data is not None:
            return Clip(await asyncio.to_thread(self._decoded, data))
        return Clip(url=url) if url is not None else None

    def folders(self, param: str) -> AllowedFolders:
        """Returns the folders for paths.

        Raises:
            InvalidInput: paths are not permitted.
        """
        if self._files is None:
            raise InvalidInput("Paths are accepted over stdio only.", param)
        return self._files

    def _decoded(self, data: str) -> bytes:
        try:
            clip = forgiving_base64(data.encode())
        except ValueError:
            raise InvalidInput("The clip is not valid base64.", "audio_base64") from None
        if len(clip) > self.most_bytes:
            raise InputTooLarge(
                f"The clip has more than the {self.most_bytes / 1_000_000:g} MB that one may have.", "audio_base64"
            )
        return clip
