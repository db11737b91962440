"""The messages of a live session, besides its configuration."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from deployments.errors import ServiceError
from deployments.service.live_config import LiveConfig

Utterance = Annotated[int, Field(description="Number of the utterance in the session, from 0.")]
Sentence = Annotated[int, Field(description="Number of the unit in the utterance, from 0.")]


class InputText(BaseModel):
    """The next piece of the text, cut anywhere."""

    type: Literal["input.text"] = "input.text"
    text: str


class InputDone(BaseModel):
    """The utterance is complete: its rest is spoken, and the session stays open."""

    type: Literal["input.done"] = "input.done"


class InputCancel(BaseModel):
    """The listener interrupts: drops all that has not been sent, and frees the engine."""

    type: Literal["input.cancel"] = "input.cancel"


class SessionClose(BaseModel):
    """Speaks what is left, then closes."""

    type: Literal["session.close"] = "session.close"


class ServerMessage(BaseModel):
    """A message of the server. Optional fields are left out if they have no value."""

    type: str

    def sent(self) -> dict[str, Any]:
        """Returns the message as it is sent."""
        return {"type": self.type} | self.model_dump(exclude_unset=True)


class SessionConfigured(ServerMessage):
    """The configuration in effect."""

    type: Literal["session.configured"] = "session.configured"
    voice: str | None
    response_format: str
    sample_rate: int
    seed: int | None
    split_granularity: str
    word_timestamps: bool
    ignored: Annotated[list[str], Field(description="Fields that have no effect.")]


class AudioStart(ServerMessage):
    """A unit begins. Its audio follows in binary frames."""

    type: Literal["audio.start"] = "audio.start"
    utterance_index: Utterance
    sentence_index: Sentence
    sentence_text: str
    format: str
    sample_rate: Annotated[int, Field(description="Hz.")]


class TimedWord(BaseModel):
    """A word of a unit, in seconds from the unit's beginning."""

    word: str
    start_time: float
    end_time: float


class AudioChunk(ServerMessage):
    """The times of a unit's words, with `word_timestamps`. It has no audio."""

    type: Literal["audio.chunk"] = "audio.chunk"
    utterance_index: Utterance
    sentence_index: Sentence
    format: str
    sample_rate: int
    chunk_id: Literal[0] = 0
    audio_b64: Literal[""] = ""
    timestamps: list[TimedWord]


class AudioDone(ServerMessage):
    """A unit is complete."""

    type: Literal["audio.done"] = "audio.done"
    utterance_index: Utterance
    sentence_index: Sentence
    total_bytes: int
    error: Annotated[bool, Field(description="Whether it broke off.")]


class SessionDone(ServerMessage):
    """An utterance is complete; the session goes on."""

    type: Literal["session.done"] = "session.done"
    utterance_index: Utterance
    total_sentences: int
    cancelled: Annotated[bool, Field(description="Whether input.cancel ended it.")] = False


class ErrorMessage(ServerMessage):
    """An error. The session goes on, except after a wrong key or too long a message."""

    type: Literal["error"] = "error"
    message: str
    code: str
    param: str | None
    utterance_index: Utterance | None = None
    sentence_index: Sentence | None = None

    @classmethod
    def of(cls, error: ServiceError, **place: Any) -> "ErrorMessage":
        """Returns the message about an error."""
        return cls(message=error.message, code=error.code, param=error.param, **place)


CLIENT_MESSAGES: Final[tuple[type[BaseModel], ...]] = (LiveConfig, InputText, InputDone, InputCancel, SessionClose)
SERVER_MESSAGES: Final[tuple[type[BaseModel], ...]] = (
    SessionConfigured,
    AudioStart,
    AudioChunk,
    AudioDone,
    SessionDone,
    ErrorMessage,
)


def kind_of(message: type[BaseModel]) -> str:
    """Returns the `type` of a kind of message."""
    kind: str = message.model_fields["type"].default
    return kind
