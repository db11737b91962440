"""How a live session speaks."""

from typing import Annotated, Any

from pydantic import AliasChoices, Field, SecretStr

from deployments.audio.encoder import Format
from deployments.service.bodies import IGNORED
from deployments.service.clauses import Granularity
from deployments.service.json_speech import JsonSpeech
from deployments.service.parameters import SpeechParams


class LiveConfig(JsonSpeech):
    """The fields of `session.config`: all parameters of speech but its text, and those below."""

    input: str = ""
    voice: Annotated[str | None, Field(validation_alias=AliasChoices("voice", "speaker"))] = None
    response_format: Format = "pcm"
    type: str = "session.config"
    model: str | None = None
    split_granularity: Annotated[Granularity, Field(description="Unit of text that is spoken at once.")] = "sentence"
    word_timestamps: Annotated[
        bool, Field(description="Send the times of the words after each unit. Whisper listens to it, which takes time.")
    ] = False
    stream_audio: Annotated[bool | None, Field(description="Audio is always streamed."), IGNORED] = None
    api_key: Annotated[SecretStr | None, Field(description="For clients that can send no header.")] = None

    def of_unit(self, text: str) -> SpeechParams:
        """Returns the parameters of a unit of the text."""
        update: dict[str, Any] = {"input": text}
        if self.word_timestamps:
            update["verify"] = True
        return self.model_copy(update=update)
