"""How a live session speaks."""

from typing import Annotated, Any

from pydantic import AliasChoices, Field, SecretStr, ValidationError

from deployments.audio.encoder import Format
from deployments.errors import InvalidInput
from deployments.service.bodies import IGNORED, JsonBody
from deployments.service.clauses import Granularity
from deployments.service.parameters import SpeechParams


class LiveConfig(SpeechParams, JsonBody):
    """The fields of `session.config`: all parameters of speech but its text, and those below."""

    input: str = ""
    voice: Annotated[str | None, Field(validation_alias=AliasChoices("voice", "speaker"))] = None
    response_format: Format = "pcm"
    type: str = "session.config"
    model: str | None = None
    ref_audio: Annotated[str | None, Field(description="Clip of the voice. Takes precedence over `voice`.")] = None
    split_granularity: Annotated[Granularity, Field(description="Unit of text that is spoken at once.")] = "sentence"
    word_timestamps: Annotated[
        bool, Field(description="Send the times of the words after each unit. Whisper listens to it, which takes time.")
    ] = False
    stream_audio: Annotated[bool | None, Field(description="Audio is always streamed."), IGNORED] = None
    api_key: Annotated[SecretStr | None, Field(description="For clients that can send no header.")] = None

    @classmethod
    def parse(cls, message: dict[str, Any]) -> "LiveConfig":
        """Returns the configuration of a message.

        Raises:
            InvalidInput: a field is misspelt, has the wrong type, or is out of its range.
        """
        try:
            return cls.model_validate(message)
        except ValidationError as error:
            first = error.errors()[0]
            if first["type"] == "misspelt":
                name, meant = first["ctx"]["name"], first["ctx"]["meant"]
                raise InvalidInput(f"There is no field {name}. Did you mean {meant}?", name) from None
            name = ".".join(str(part) for part in first["loc"])
            raise InvalidInput(f"{name}: {first['msg']}.", name) from None

    def of_unit(self, text: str) -> SpeechParams:
        """Returns the parameters of a unit of the text."""
        update: dict[str, Any] = {"input": text}
        if self.word_timestamps:
            update |= {"verify": True, "details": True}
        return self.model_copy(update=update)
