"""The JSON body of requests for speech, which each route extends."""

from typing import Annotated

from pydantic import Field

from deployments.service.backend import Clip
from deployments.service.bodies import JsonBody
from deployments.service.parameters import SpeechParams


class JsonSpeech(SpeechParams, JsonBody):
    """All parameters of speech, and the clip of a voice."""

    ref_audio: Annotated[
        str | None,
        Field(description="Clip of the voice: a data URL, or a URL of an allowed host. Takes precedence over `voice`."),
    ] = None

    @property
    def clip(self) -> Clip | None:
        """The clip, which is not fetched yet."""
        return Clip(url=self.ref_audio, param="ref_audio") if self.ref_audio else None
