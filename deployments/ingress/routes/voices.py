"""/v1/audio/voices: stored voices, in the shape of OpenAI's API."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from deployments.audio.encoder import MEDIA_TYPES, encoded
from deployments.ingress.middleware.admission import HeldTurn
from deployments.ingress.responses.exception_handlers import FAILURES, RESPONSES
from deployments.ingress.routes.clip_fields import ClipUrl, clip_of
from deployments.service.parameters import Consent, RefCheck, RefText
from deployments.service.service import SpeechService
from deployments.voices.store import Voice
from deployments.xcodec2.protocol import SAMPLE_RATE


class VoiceForm(BaseModel):
    """The fields of a request."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[
        str, Field(description="At most 100 characters, at least one visible, no slashes.", examples=["narrator"])
    ]
    audio_sample: Annotated[
        UploadFile | SkipJsonSchema[None], File(description="Any audio that FFmpeg reads, ideally 5 to 15 s.")
    ] = None
    audio_url: ClipUrl = None
    consent: Consent
    ref_text: RefText = None
    ref_check: RefCheck = None


class VoiceObject(BaseModel):
    """A voice. Fields that OpenAI's API does not have come after `created_at`."""

    object: Literal["audio.voice"] = "audio.voice"
    id: str
    name: str
    created_at: int = Field(description="Unix time.")
    ref_text: str = Field(description="Transcript of its reference.")
    duration: float = Field(description="Seconds of its reference; 0 for a built-in voice that is not made yet.")
    consent: str | None
    built_in: bool
    warnings: list[str] = Field(description="Possible problems of its reference; repeated in each response.")


class VoiceChange(BaseModel):
    """Changes to a voice."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="New name. The id changes too.", examples=["storyteller"])


class NamedVoice(BaseModel):
    """A voice, as Open WebUI reads it."""

    id: str
    name: str


class VoiceList(BaseModel):
    """All voices, twice: as OpenAI lists objects, and as Open WebUI reads voices."""

    object: Literal["list"] = "list"
    data: list[VoiceObject]
    voices: list[NamedVoice]


class DeletedVoice(BaseModel):
    """Confirms the deletion of a voice."""

    object: Literal["audio.voice.deleted"] = "audio.voice.deleted"
    id: str
    deleted: Literal[True] = True


def voice_routes(service: SpeechService) -> APIRouter:
    """Returns the routes of a service."""
    router = APIRouter(prefix="/v1/audio/voices", tags=["openai"])
    missing: dict[int | str, dict[str, Any]] = {status: FAILURES[status] for status in (401, 404, 422)}

    @router.get("", summary="List the voices", responses={401: FAILURES[401]})
    async def voices() -> VoiceList:
        found = await service.list_voices()
        return VoiceList(
            data=[_object(voice) for voice in found], voices=[NamedVoice(id=v.id, name=v.name) for v in found]
        )

    @router.post("", summary="Store the voice of a clip", responses=RESPONSES | {409: FAILURES[409]})
    async def create(form: Annotated[VoiceForm, Form(media_type="multipart/form-data")], turn: HeldTurn) -> VoiceObject:
        clip = clip_of(form.audio_sample, form.audio_url, "audio_sample")
        return _object(
            await service.clone_voice(
                form.name, clip, form.ref_text, form.consent, ref_check=form.ref_check, caller=turn
            )
        )

    @router.get("/{voice}", summary="Get a voice by its name or id", responses=missing)
    async def voice(voice: str) -> VoiceObject:
        return _object(await service.voices.get(voice))

    @router.patch(
        "/{voice}",
        summary="Rename a voice",
        responses=missing | {400: FAILURES[400], 409: FAILURES[409]},
    )
    async def rename(voice: str, change: VoiceChange) -> VoiceObject:
        return _object(await service.rename_voice(voice, change.name))

    @router.get(
        "/{voice}/sample",
        summary="Get a sample of a voice",
        response_class=Response,
        responses=missing
        | {503: FAILURES[503], 200: {"content": {"audio/wav": {}}, "description": "16-bit mono WAV."}},
    )
    async def sample(voice: str) -> Response:
        wav = await service.voice_sample(voice)
        return Response(await asyncio.to_thread(encoded, wav, "wav", SAMPLE_RATE), media_type=MEDIA_TYPES["wav"])

    @router.delete("/{voice}", summary="Delete a voice by its name or id", responses=missing | {400: FAILURES[400]})
    async def delete(voice: str) -> DeletedVoice:
        return DeletedVoice(id=(await service.delete_voice(voice)).id)

    return router


def _object(voice: Voice) -> VoiceObject:
    return VoiceObject(
        id=voice.id,
        name=voice.name,
        created_at=voice.created_at,
        ref_text=voice.ref_text,
        duration=voice.duration,
        consent=voice.consent,
        built_in=voice.id.startswith("builtin_"),
        warnings=list(voice.warnings),
    )
