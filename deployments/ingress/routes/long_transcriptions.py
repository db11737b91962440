"""POST /v1/audio/transcriptions/long: recordings of hours, transcribed in the background as a job."""

from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import Field

from deployments.ingress.responses.exception_handlers import FAILURES, failures
from deployments.ingress.responses.transcript import TRANSCRIPTS, Granularities, transcript_response
from deployments.ingress.routes.models import check_model, transcription_models
from deployments.ingress.routes.transcriptions import TranslationForm
from deployments.ingress.uploads import UploadRoute
from deployments.jobs.protocol import Job
from deployments.profiles import Profile
from deployments.service.backend import Clip
from deployments.service.bodies import ignored_header
from deployments.service.job_desk import LocalJobs, LongRecording
from deployments.service.languages import HeardLanguage
from deployments.whisper.protocol import TranscriptFormat

_NEW: Final = failures(400, 401, 404, 413, 422, 429)
_FOUND: Final[dict[int | str, dict[str, Any]]] = TRANSCRIPTS | {
    409: FAILURES[409] | {"description": "It is not complete yet, or the job speaks."}
}


class LongTranscriptionForm(TranslationForm):
    """The fields of a request."""

    language: HeardLanguage = None
    title: Annotated[str | None, Field(max_length=300, description="Name of the job. Default: the file's.")] = None


def long_transcription_routes(desk: LocalJobs, profile: Profile) -> APIRouter:
    """Returns the routes of jobs that transcribe."""
    known = transcription_models(profile)
    router = APIRouter(tags=["jobs"], route_class=UploadRoute)

    @router.post(
        "/v1/audio/transcriptions/long",
        status_code=202,
        summary="Transcribe a long recording in the background",
        responses=_NEW,
    )
    async def long(
        form: Annotated[LongTranscriptionForm, Form(media_type="multipart/form-data")],
        request: Request,
        response: Response,
    ) -> Job:
        check_model(form.model, known)
        recording = LongRecording(
            Clip(form.file.file, param="file"),
            form.file.filename or "",
            form.language,
            form.prompt,
            form.temperature,
            form.response_format,
            form.title,
        )
        job = await desk.transcribe(request.state.client, recording)
        response.headers.update({"Location": f"/api/jobs/{job.id}", **ignored_header(form.ignored)})
        return job

    @router.get(
        "/api/jobs/{id}/transcript",
        summary="Get the transcript of a job",
        response_class=Response,
        responses=_FOUND,
    )
    async def transcript(
        id: str,
        request: Request,
        granularities: Annotated[
            Granularities,
            Query(
                default_factory=list,
                alias="timestamp_granularities[]",
                description="Timestamps in `verbose_json`; default `segment`.",
            ),
        ],
        format: Annotated[TranscriptFormat | None, Query(description="Default: the job's `response_format`.")] = None,
    ) -> Response:
        owner = desk.owner(request.state.client)
        found = await desk.board.transcript(owner, id)
        own = cast("TranscriptFormat", (await desk.board.get(owner, id)).response_format)
        return transcript_response(found, format or own, "transcribe", granularities, [])

    return router
