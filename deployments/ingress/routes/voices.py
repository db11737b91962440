"""/v1/audio/voices: stored voices, in the shape of OpenAI's API."""

import asyncio
from typing import Annotated, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

from deployments.audio.encoder import MEDIA_TYPES, encoded
from deployments.ingress.middleware.admission import HeldTurn
from deployments.ingress.responses.audio_file import RANGES, audio_file
from deployments.ingress.responses.exception_handlers import FAILURES, RESPONSES, failures
from deployments.ingress.routes.clip_fields import ClipUrl, clip_of
from deployments.ingress.uploads import UploadRoute
from deployments.service.bodies import FormBody, JsonBody, ignored_header
from deployments.service.parameters import Consent, RefCheck, RefText
from deployments.service.service import SpeechService
from deployments.voices.store import Voice
from deployments.xcodec2.protocol import SAMPLE_RATE

_BUNDLE: Final = "application/zip"


class VoiceForm(FormBody):
    """The fields of a request."""

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
    type: Annotated[
        Literal["audio_sample"], Field(description="OpenAI's kind of source: voices are made from clips.")
    ] = "audio_sample"


class BundleForm(FormBody):
    """The fields of an import."""

    file: Annotated[UploadFile, File(description="A voice bundle, at most 8 MiB.")]
    name: Annotated[
        str | None, Field(description="Name of the voice. Default: that in the bundle.", examples=["narrator"])
    ] = None


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


class VoiceChange(JsonBody):
    """Changes to a voice."""

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
    router = APIRouter(prefix="/v1/audio/voices", tags=["openai"], route_class=UploadRoute)
    missing = failures(401, 404, 422)

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

    @router.post("/import", summary="Store the voice of a bundle", responses=RESPONSES | {409: FAILURES[409]})
    async def restore(
        form: Annotated[BundleForm, Form(media_type="multipart/form-data")], turn: HeldTurn
    ) -> VoiceObject:
        return _object(await service.import_voice(form.file.file, form.name or None, caller=turn))

    @router.get("/{voice}", summary="Get a voice by its name or id", responses=missing)
    async def voice(voice: str) -> VoiceObject:
        return _object(await service.voices.get(voice))

    @router.patch(
        "/{voice}",
        summary="Rename a voice",
        responses=missing | {400: FAILURES[400], 409: FAILURES[409]},
    )
    async def rename(voice: str, change: VoiceChange, response: Response) -> VoiceObject:
        response.headers.update(ignored_header(change.ignored))
        return _object(await service.rename_voice(voice, change.name))

    @router.get(
        "/{voice}/sample",
        summary="Get a sample of a voice",
        response_class=Response,
        responses=missing
        | RANGES
        | {503: FAILURES[503], 200: {"content": {"audio/wav": {}}, "description": "16-bit mono WAV."}},
    )
    async def sample(voice: str, request: Request) -> Response:
        wav = await service.voice_sample(voice)
        file = await asyncio.to_thread(encoded, wav, "wav", SAMPLE_RATE)
        return audio_file(request, file, MEDIA_TYPES["wav"])

    @router.get(
        "/{voice}/bundle",
        summary="Export a stored voice",
        response_class=Response,
        responses=missing
        | {400: FAILURES[400], 503: FAILURES[503]}
        | {200: {"content": {_BUNDLE: {}}, "description": "Zip file of the clip, its text, codes and consent."}},
    )
    async def bundle(voice: str) -> Response:
        found = await service.voices.get(voice)
        disposition = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}.zip"
        return Response(
            await service.export_voice(found.id), media_type=_BUNDLE, headers={"Content-Disposition": disposition}
        )

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
        built_in=voice.built_in,
        warnings=list(voice.warnings),
    )
