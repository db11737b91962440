"""GET /v1/models: the models that requests may name."""

import re
from pathlib import PurePosixPath
from typing import Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from deployments.errors import NotFound
from deployments.ingress.responses.exception_handlers import FAILURES, failures
from deployments.profiles import Profile
from deployments.service.service import SpeechService

SPEECH_ALIASES: Final = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
TRANSCRIPTION_ALIASES: Final = ("whisper-1", "gpt-transcribe", "gpt-4o-transcribe", "gpt-4o-mini-transcribe")
"""OpenAI's names, for clients that know no others: each stands for the one deployed model of its kind."""

_DATE: Final = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{4})\Z")
"""End of the name of one of OpenAI's snapshots: `gpt-4o-mini-tts-2025-12-15`, `tts-1-1106`."""
_CREATED: Final = 1_735_689_600
"""Unix time. OpenAI's clients require one; this is the year of Llasa's release."""


class Model(BaseModel):
    """A model, as OpenAI describes it."""

    id: str = Field(examples=["llasa-8b"])
    object: Literal["model"] = "model"
    created: int = _CREATED
    owned_by: Literal["llasa-serve"] = "llasa-serve"


class ModelList(BaseModel):
    """All models."""

    object: Literal["list"] = "list"
    data: list[Model]


class NamedModel(BaseModel):
    """A model, as Open WebUI reads it."""

    id: str
    name: str


class AudioModelList(ModelList):
    """All speech models."""

    models: list[NamedModel]


def speech_models(profile: Profile) -> tuple[str, ...]:
    """Returns the names of the speech model, its own first."""
    return (profile.name, *SPEECH_ALIASES)


def transcription_models(profile: Profile) -> tuple[str, ...]:
    """Returns the names of the transcription model, its own first."""
    own = PurePosixPath(profile.whisper.replace(":", "-")).name
    return (own, *TRANSCRIPTION_ALIASES)


def check_model(model: str, known: tuple[str, ...]) -> None:
    """Raises NotFound if the model is unknown. A dated name is that of the model without the date."""
    if model not in known and _DATE.sub("", model) not in known:
        raise NotFound(
            f"There is no model {model[:100]!r} here: {known[0]} is, and answers to {', '.join(known[1:])}.", "model"
        )


def model_routes(service: SpeechService) -> APIRouter:
    """Returns the routes of a service."""
    speech, transcription = speech_models(service.profile), transcription_models(service.profile)
    router = APIRouter(prefix="/v1", tags=["openai"])

    @router.get("/models", summary="List the models", responses={401: FAILURES[401]})
    async def models() -> ModelList:
        return ModelList(data=[Model(id=name) for name in (*speech, *transcription)])

    @router.get("/models/{model}", summary="Get a model", responses=failures(401, 404, 422))
    async def model(model: str) -> Model:
        check_model(model, (*speech, *transcription))
        return Model(id=model)

    @router.get("/audio/models", summary="List the speech models", responses={401: FAILURES[401]})
    async def audio_models() -> AudioModelList:
        return AudioModelList(
            data=[Model(id=name) for name in speech], models=[NamedModel(id=name, name=name) for name in speech]
        )

    return router
