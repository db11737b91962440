"""Tools for long speech, which is made in the background."""

import asyncio
from pathlib import PurePath
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from pydantic import Field

from deployments.audio.mastering import LoudnessTarget
from deployments.errors import InvalidInput
from deployments.jobs.chapters import ChapterChoice
from deployments.jobs.formats import BookFormat, FileFormat
from deployments.mcp.arguments import Base64, Clips, LocalPath, Url, takes_speech_params
from deployments.mcp.errors import tool_errors
from deployments.mcp.hints import READS, changes
from deployments.mcp.results import JobFileResult, JobResult, JobsResult, OutlineResult, TranscriptResult
from deployments.service.backend import ASSISTANTS
from deployments.service.job_desk import JobAction, JobDesk, LongRecording, LongRequest
from deployments.service.languages import HeardLanguage
from deployments.service.parameters import SpeechParams
from deployments.service.transcription import TextFormat

Id = Annotated[str, Field(description="Id of the job.")]


def job_tools(server: MCPServer[Any], desk: JobDesk, clips: Clips) -> None:
    """Adds them."""

    @server.tool(title="Speak a long text", annotations=changes(idempotent=False))
    @takes_speech_params
    async def create_job(
        context: Context[Any, Any],
        params: SpeechParams,
        file_format: Annotated[BookFormat, Field(description="Format of the file; m4b has chapters.")] = "m4b",
        document_path: Annotated[
            str | None,
            Field(description="A document to speak instead of `input`, by its suffix. Only over stdio."),
        ] = None,
        audio_base64: Base64 = None,
        audio_url: Url = None,
        audio_path: LocalPath = None,
        title: Annotated[str | None, Field(description="Title in the file.")] = None,
        author: Annotated[str | None, Field(description="Author in the file.")] = None,
        chapters: ChapterChoice | None = None,
        loudness: Annotated[
            LoudnessTarget | None, Field(description="`ebu`, `acx` or LUFS; missing: as it is spoken.")
        ] = None,
    ) -> JobResult:
        """Speaks a text or a document of any length in the background. Returns the job at once; see get_job."""
        with tool_errors():
            clip = await clips.any(audio_base64, audio_url, audio_path)
            if clip is None and params.voice is None:
                raise InvalidInput("Give a voice or a clip.", "voice")
            document = await _document(clips, document_path)
            request = LongRequest(
                params,
                document,
                PurePath(document_path or "").name,
                clip,
                file_format,
                title,
                author,
                loudness,
                chapters,
            )
            return JobResult(job=await desk.create(_client(context), request))

    @server.tool(title="The chapters of a document", annotations=READS)
    async def outline_document(
        input: Annotated[str, Field(description="A text.")] = "",
        document_path: Annotated[str | None, Field(description="A document instead. Only over stdio.")] = None,
    ) -> OutlineResult:
        """Lists the chapters of a text or a document, with numbers by which create_job takes some of them."""
        with tool_errors():
            document = await _document(clips, document_path)
            name = PurePath(document_path or "").name
            return OutlineResult(outline=await desk.outline(LongRequest(SpeechParams(input=input), document, name)))

    @server.tool(title="Transcribe a long recording", annotations=changes(idempotent=False))
    async def transcribe_recording(
        context: Context[Any, Any],
        audio_base64: Base64 = None,
        audio_url: Url = None,
        audio_path: LocalPath = None,
        language: HeardLanguage = None,
        title: Annotated[str | None, Field(description="Name of the job; missing: the file's.")] = None,
    ) -> JobResult:
        """Transcribes a recording of hours in the background. Returns the job at once; see get_transcript."""
        with tool_errors():
            clip = await clips.one(audio_base64, audio_url, audio_path)
            name = PurePath(audio_path or "").name
            return JobResult(
                job=await desk.transcribe(_client(context), LongRecording(clip, name, language, title=title))
            )

    @server.tool(title="The transcript of a job", annotations=READS)
    async def get_transcript(
        context: Context[Any, Any],
        id: Id,
        format: Annotated[TextFormat, Field(description="`srt` and `vtt` have times.")] = "text",
    ) -> TranscriptResult:
        """Returns the transcript of a recording, once its job is done."""
        with tool_errors():
            return TranscriptResult(transcript=await desk.transcript(_client(context), id, format))

    @server.tool(title="The jobs", annotations=READS)
    async def list_jobs(context: Context[Any, Any]) -> JobsResult:
        """Lists your jobs, the newest first, without their chapters."""
        with tool_errors():
            return JobsResult(jobs=await desk.list(_client(context)))

    @server.tool(title="A job", annotations=READS)
    async def get_job(context: Context[Any, Any], id: Id) -> JobResult:
        """Returns the state, the progress and the chapters of a job."""
        with tool_errors():
            return JobResult(job=await desk.get(_client(context), id))

    @server.tool(title="Change a job", annotations=changes(destructive=True))
    async def change_job(
        context: Context[Any, Any],
        id: Id,
        action: Annotated[JobAction, Field(description="`retry` speaks failed parts again; `delete` is for good.")],
    ) -> JobResult:
        """Pauses, resumes, retries or deletes a job. A deleted job is `cancelled`."""
        with tool_errors():
            return JobResult(job=await desk.change(_client(context), id, action))

    @server.tool(title="Save the speech of a job", annotations=changes(destructive=clips.take_paths))
    async def save_job(
        context: Context[Any, Any],
        id: Id,
        output_path: Annotated[str, Field(description="Path of the file that is written. Only over stdio.")],
        chapter: Annotated[int | None, Field(ge=1, description="Number of the chapter; missing: all.")] = None,
        format: Annotated[FileFormat | None, Field(description="Missing: the job's.")] = None,
        overwrite: Annotated[bool, Field(description="Permits output_path to replace a file.")] = False,
    ) -> JobFileResult:
        """Writes the speech of a finished job, or its captions, to a file on this machine.

        Elsewhere, download it from /api/jobs/ID/audio of the service.
        """
        with tool_errors():
            folders = clips.folders("output_path")
            await asyncio.to_thread(folders.check_writable, output_path, overwrite=overwrite, param="output_path")
            data = b"".join([block async for block in desk.audio(_client(context), id, format, chapter)])
            path = await asyncio.to_thread(folders.write, output_path, data, overwrite=overwrite, param="output_path")
            return JobFileResult(output_path=str(path), bytes=len(data))


async def _document(clips: Clips, path: str | None) -> bytes | None:
    if not path:
        return None
    folders = clips.folders("document_path")
    return await asyncio.to_thread(folders.read, path, clips.most_bytes, "document_path")


def _client(context: Context[Any, Any]) -> str:
    """Returns the name of the key that came with the request."""
    request = context.request_context.request
    return ASSISTANTS if request is None else str(request.state.client)
