"""/v1/pronunciations: replacements of words that the model misreads, in all speech."""

from dataclasses import asdict
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from deployments.ingress.responses.exception_handlers import FAILURES, RESPONSES, failures
from deployments.ingress.responses.speech import SPEECH, speech_response
from deployments.service.bodies import JsonBody, ignored_header
from deployments.service.parameters import SpeechParams
from deployments.service.pronunciations import StoredPronunciation
from deployments.service.service import SpeechService
from deployments.text.pronunciation import LONGEST, MOST, Pronunciation

_MISSING: Final = failures(401, 404, 422)
_WRITING: Final = failures(400, 401, 404, 409, 413, 422, 503)


class PronunciationFields(BaseModel):
    """How a term is spoken."""

    term: str = Field(min_length=1, max_length=LONGEST, description="Whole words, as written.", examples=["Nguyen"])
    replacement: str = Field(
        max_length=LONGEST, description="How they are respelled. Empty: they are left out.", examples=["win"]
    )
    language: str | None = Field(None, pattern="^[a-z]{2}$", description="Only in texts of this language, ISO 639-1.")
    voice: str | None = Field(None, max_length=LONGEST, description="Only for the voice of this name.")
    case: bool = Field(False, description="Whether upper and lower case must be as in the term.")


class PronunciationBody(PronunciationFields, JsonBody):
    """The fields of a request."""

    @property
    def pronunciation(self) -> Pronunciation:
        """The entry."""
        return Pronunciation(**self.model_dump(include=set(PronunciationFields.model_fields)))


class PronunciationObject(PronunciationFields):
    """A stored entry."""

    id: str


class PronunciationList(BaseModel):
    """Stored entries."""

    object: Literal["list"] = "list"
    data: list[PronunciationObject]


class DeletedPronunciation(BaseModel):
    """Confirms the deletion of an entry."""

    id: str
    deleted: Literal[True] = True


def pronunciation_routes(service: SpeechService) -> APIRouter:
    """Returns the routes of a service."""
    router = APIRouter(prefix="/v1/pronunciations", tags=["pronunciations"])

    @router.get("", summary="List the pronunciations", responses={401: FAILURES[401]})
    async def pronunciations() -> PronunciationList:
        return _list(await service.list_pronunciations())

    @router.post("", summary="Store a pronunciation", responses=_WRITING)
    async def create(body: PronunciationBody, response: Response) -> PronunciationObject:
        response.headers.update(ignored_header(body.ignored))
        return _object((await service.add_pronunciations([body.pronunciation]))[0])

    @router.get("/export", summary="Export all pronunciations, for import elsewhere", responses={401: FAILURES[401]})
    async def export(response: Response) -> list[PronunciationFields]:
        response.headers["Content-Disposition"] = 'attachment; filename="pronunciations.json"'
        return [PronunciationFields(**asdict(entry.pronunciation)) for entry in await service.list_pronunciations()]

    @router.post("/import", summary="Import pronunciations; they replace those of the same terms", responses=_WRITING)
    async def imported(
        body: Annotated[list[PronunciationBody], Field(max_length=MOST)], response: Response
    ) -> PronunciationList:
        response.headers.update(ignored_header(dict.fromkeys(name for each in body for name in each.ignored)))
        return _list(await service.add_pronunciations([each.pronunciation for each in body], replace=True))

    @router.get("/{id}", summary="Get a pronunciation", responses=_MISSING)
    async def get(id: str) -> PronunciationObject:
        return _object(await service.pronunciation(id))

    @router.put("/{id}", summary="Change a pronunciation", responses=_WRITING)
    async def change(id: str, body: PronunciationBody, response: Response) -> PronunciationObject:
        response.headers.update(ignored_header(body.ignored))
        return _object(await service.change_pronunciation(id, body.pronunciation))

    @router.delete("/{id}", summary="Delete a pronunciation", responses=_MISSING)
    async def delete(id: str) -> DeletedPronunciation:
        await service.remove_pronunciation(id)
        return DeletedPronunciation(id=id)

    @router.post(
        "/{id}/speech",
        summary="Speak a term as it is pronounced",
        response_class=Response,
        responses=RESPONSES | {404: FAILURES[404], 200: SPEECH},
    )
    async def speech(
        id: str, http: Request, voice: Annotated[str, Query(description="Name or id of the voice.")] = "alloy"
    ) -> Response:
        entry = (await service.pronunciation(id)).pronunciation
        params = SpeechParams(input=entry.term, voice=voice, language=entry.language or "auto", pronunciations=(entry,))
        return await speech_response(
            service.speak(params, caller=http.state.client),
            params.with_defaults(service.settings, service.profile),
            "whole",
            {},
        )

    return router


def _object(entry: StoredPronunciation) -> PronunciationObject:
    return PronunciationObject(id=entry.id, **asdict(entry.pronunciation))


def _list(entries: tuple[StoredPronunciation, ...]) -> PronunciationList:
    return PronunciationList(data=[_object(entry) for entry in entries])
