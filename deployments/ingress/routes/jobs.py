"""/api/jobs and POST /v1/audio/speech/long: speech of any length, made in the background."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from deployments.audio.mastering import LoudnessTarget
from deployments.audio.meter import Loudness
from deployments.errors import InvalidInput, NotFound
from deployments.ingress.responses.audio_file import AUDIO_CONTENT, RANGES
from deployments.ingress.responses.exception_handlers import FAILURES, failures
from deployments.ingress.responses.job_file import job_file, job_stream
from deployments.ingress.responses.sse import event
from deployments.ingress.routes.clip_fields import clip_of
from deployments.ingress.uploads import UploadRoute
from deployments.jobs.chapters import ChapterChoice
from deployments.jobs.formats import MEDIA_TYPES, BookFormat, FileFormat, StreamFormat
from deployments.jobs.outline import Outline
from deployments.jobs.protocol import ENDED, Job, JobBoard
from deployments.profiles import Profile
from deployments.service.bodies import IGNORED, ignored_header
from deployments.service.job_desk import LocalJobs, LongRequest
from deployments.service.json_speech import JsonSpeech
from deployments.service.parameters import NOT_OF_JOBS, SpeechParams
from deployments.text.markup import InputFormat

_WAIT_S: Final = 15.0
"""Seconds after which a silent event stream gets a comment, so that no proxy ends it."""
_FORMAT: Final = Field(description="Format of the file: M4B has chapters and the cover. Others can be downloaded too.")
_LOUDNESS: Final = Field(
    description="Loudness of the files: `ebu` (EBU R 128: -23 LUFS, peaks up to -1 dBTP), `acx` (Audible's: RMS from "
    "-23 to -18 dB, peaks below -3 dB) or a number of LUFS. Default: as it is spoken."
)
_DOCUMENT: Final = File(
    description="A document: plain text, Markdown, HTML, EPUB, DOCX, PDF, SRT or VTT, by its suffix."
)
_INPUT: Final = Field(description="What to say, if there is no file.")
_Chapter = Annotated[int | None, Query(ge=1, le=2**31, description="Number of the chapter. Default: all.")]
_TITLE: Final = Field(max_length=300, description="Title in the file. Default: the document's.")
_AUTHOR: Final = Field(max_length=300, description="Author in the file. Default: the document's.")
_OTHER_CONTENT: Final = {
    MEDIA_TYPES[format]: {"schema": {"type": "string", "format": "binary"}} for format in ("m4b", "srt", "vtt", "zip")
}
_NEW: Final = failures(400, 401, 404, 413, 422, 429)
_KNOWN: Final = failures(401, 404, 422)
_CHANGED: Final[dict[int | str, dict[str, Any]]] = _KNOWN | {
    409: FAILURES[409] | {"description": "The state of the job does not allow it."}
}


class OutlineForm(BaseModel):
    """A document or a text."""

    model_config = ConfigDict(extra="forbid")

    file: Annotated[UploadFile | SkipJsonSchema[None], _DOCUMENT] = None
    input: Annotated[str, _INPUT] = ""
    input_format: Annotated[InputFormat, Field(description="Markup of `input`.")] = "auto"


class LongSpeechBody(JsonSpeech):
    """A long text, and all parameters of speech."""

    model: Annotated[str | None, Field(description="Accepted and ignored: there is one model."), IGNORED] = None
    response_format: Annotated[BookFormat, _FORMAT] = "mp3"  # type: ignore[assignment]
    title: Annotated[str | None, _TITLE] = None
    author: Annotated[str | None, _AUTHOR] = None
    loudness: Annotated[LoudnessTarget | None, _LOUDNESS] = None
    chapters: ChapterChoice | None = None


class JobForm(SpeechParams):
    """A document or a text, and all parameters of speech."""

    model_config = ConfigDict(extra="forbid")

    input: Annotated[str, _INPUT] = ""
    response_format: Annotated[BookFormat, _FORMAT] = "m4b"  # type: ignore[assignment]
    file: Annotated[UploadFile | SkipJsonSchema[None], _DOCUMENT] = None
    audio: Annotated[
        UploadFile | SkipJsonSchema[None], File(description="A clip of the voice. Takes precedence over `voice`.")
    ] = None
    title: Annotated[str | None, _TITLE] = None
    author: Annotated[str | None, _AUTHOR] = None
    loudness: Annotated[LoudnessTarget | None, _LOUDNESS] = None
    chapters: ChapterChoice | None = None


def job_routes(desk: LocalJobs, profile: Profile) -> APIRouter:
    """Returns the routes of jobs."""
    router = APIRouter(tags=["jobs"], route_class=UploadRoute)
    jobs = desk.board

    def owner(request: Request) -> str:
        return desk.owner(str(request.state.client))

    async def create(request: Request, response: Response, body: LongSpeechBody | JobForm, wanted: LongRequest) -> Job:
        named = replace(
            wanted,
            response_format=body.response_format,
            title=body.title,
            author=body.author,
            loudness=body.loudness,
            chapters=body.chapters,
        )
        job = await desk.create(request.state.client, named)
        ignored = [
            *getattr(body, "ignored", ()),
            *(name for name in NOT_OF_JOBS if name != "response_format" and getattr(body, name)),
            *body.unused(profile),
        ]
        response.headers.update({"Location": f"/api/jobs/{job.id}", **ignored_header(ignored)})
        return job

    @router.post(
        "/v1/audio/speech/long", status_code=202, summary="Speak a long text in the background", responses=_NEW
    )
    async def long(body: LongSpeechBody, request: Request, response: Response) -> Job:
        return await create(request, response, body, LongRequest(body, clip=body.clip))

    @router.post("/api/jobs", status_code=202, summary="Speak a document in the background", responses=_NEW)
    async def upload(
        form: Annotated[JobForm, Form(media_type="multipart/form-data")], request: Request, response: Response
    ) -> Job:
        clip = clip_of(form.audio, None, "audio") if form.audio else None
        return await create(request, response, form, replace(await _request(form, form), clip=clip))

    @router.post("/api/jobs/outline", summary="List the chapters of a document", responses=_NEW)
    async def outline(form: Annotated[OutlineForm, Form(media_type="multipart/form-data")]) -> Outline:
        params = SpeechParams(input=form.input, input_format=form.input_format)
        return await desk.outline(await _request(form, params))

    @router.get("/api/jobs", summary="List your jobs, the newest first", responses={401: FAILURES[401]})
    async def every(request: Request) -> list[Job]:
        return await jobs.list(owner(request))

    @router.get("/api/jobs/{id}", summary="Get a job", responses=_KNOWN)
    async def one(id: str, request: Request) -> Job:
        return await jobs.get(owner(request), id)

    @router.post("/api/jobs/{id}/pause", summary="Pause a job", responses=_CHANGED)
    async def pause(id: str, request: Request) -> Job:
        return await jobs.pause(owner(request), id)

    @router.post("/api/jobs/{id}/resume", summary="Continue a paused job", responses=_CHANGED)
    async def resume(id: str, request: Request) -> Job:
        return await jobs.resume(owner(request), id)

    @router.post("/api/jobs/{id}/retry", summary="Speak the failed parts of a failed job again", responses=_CHANGED)
    async def retry(id: str, request: Request) -> Job:
        return await jobs.retry(owner(request), id)

    @router.delete("/api/jobs/{id}", summary="Stop and delete a job with its audio", responses=_KNOWN)
    async def delete(id: str, request: Request) -> Job:
        return await jobs.delete(owner(request), id)

    @router.get(
        "/api/jobs/{id}/events",
        summary="Follow a job",
        response_class=StreamingResponse,
        responses=_KNOWN | {200: {"description": "Events until it ends.", "content": {"text/event-stream": {}}}},
    )
    async def events(
        id: str,
        request: Request,
        after: Annotated[
            int, Query(ge=0, le=2**53, description="Number of the last event that you have. Or send `Last-Event-ID`.")
        ] = 0,
    ) -> StreamingResponse:
        last = request.headers.get("last-event-id", "")
        after = after or (int(last) if last.isascii() and last.isdigit() and len(last) < 16 else 0)
        await jobs.get(owner(request), id)  # an unknown job is an error, no stream
        return StreamingResponse(
            job_events(jobs, owner(request), id, after),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )

    @router.get(
        "/api/jobs/{id}/audio",
        summary="Get the speech of a job or of a chapter",
        response_class=Response,
        responses=_CHANGED
        | {
            400: FAILURES[400],
            200: {"description": "The file.", "content": AUDIO_CONTENT | _OTHER_CONTENT},
        }
        | RANGES,
    )
    async def audio(
        id: str,
        request: Request,
        chapter: _Chapter = None,
        format: Annotated[
            FileFormat | None,
            Query(
                description="Default: the job's `response_format`. `srt` and `vtt` are captions; `zip` has a file of "
                "each chapter, its captions and the cover."
            ),
        ] = None,
    ) -> Response:
        return await job_file(request, jobs, owner(request), id, format, chapter)

    @router.get(
        "/api/jobs/{id}/stream",
        summary="Listen to a job or to a chapter while it is spoken",
        response_class=Response,
        responses=_CHANGED | {200: {"description": "The speech so far, and on.", "content": AUDIO_CONTENT}},
    )
    async def stream(
        id: str,
        request: Request,
        chapter: _Chapter = None,
        format: Annotated[StreamFormat, Query(description="Format of the stream.")] = "mp3",
        follow: Annotated[
            bool,
            Query(description="Wait for parts that are not spoken yet, instead of ending before them."),
        ] = True,
    ) -> Response:
        return await job_stream(jobs, owner(request), id, format, chapter, follow=follow)

    @router.get(
        "/api/jobs/{id}/loudness",
        summary="Measure the speech of a job or of a chapter",
        responses=_CHANGED | {400: FAILURES[400]},
    )
    async def loudness(
        id: str,
        request: Request,
        chapter: _Chapter = None,
        format: Annotated[BookFormat | None, Query(description="Default: the job's `response_format`.")] = None,
    ) -> Loudness:
        return await jobs.loudness(owner(request), id, format, chapter)

    return router


async def _request(form: JobForm | OutlineForm, params: SpeechParams) -> LongRequest:
    """Returns the request for the document or the text of a form."""
    if form.file and form.input:
        raise InvalidInput("Give a file or a text, not both.", "file")
    if not form.file:
        return LongRequest(params)
    return LongRequest(params, await form.file.read(), form.file.filename or "")


async def job_events(jobs: JobBoard, owner: str, id: str, after: int) -> AsyncGenerator[bytes, None]:
    """Yields the events of a job from a number on, until it ends or is deleted."""
    yield b": events\n\n"
    try:
        while True:
            found = await jobs.events(owner, id, after)
            if not found and (await jobs.get(owner, id)).state in ENDED:
                return
            if not (found := found or await jobs.events(owner, id, after, _WAIT_S)):
                yield b": waiting\n\n"
            for each in found:
                after = each.number
                yield f"id: {after}\n".encode() + event(f"job.{each.type}", {"number": after, **each.data})
    except NotFound:
        yield event("job.state", {"state": "cancelled"})
