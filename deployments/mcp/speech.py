"""Tools that generate and transcribe speech."""

import asyncio
import base64
from contextlib import aclosing
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import AudioContent, CallToolResult, ResourceLink, TextContent
from pydantic import Field

from deployments.errors import InvalidInput, ServiceError
from deployments.mcp.arguments import Base64, Clips, LocalPath, Url, takes_speech_params
from deployments.mcp.errors import tool_errors
from deployments.mcp.hints import READS, changes
from deployments.mcp.report import Report, reporting
from deployments.mcp.resources import output_uri
from deployments.mcp.results import SpeechToolResult, TranscriptionResult
from deployments.service.backend import Backend, Clip
from deployments.service.delivery import SpeechResult
from deployments.service.languages import HeardLanguage
from deployments.service.parameters import SpeechParams
from deployments.synthesis.events import Progress


def speech_tools(server: MCPServer[Any], backend: Backend, clips: Clips) -> None:
    """Adds them."""

    @server.tool(title="Speak a text", annotations=changes(destructive=clips.take_paths))
    @takes_speech_params
    async def generate_speech(
        context: Context[Any, Any],
        params: SpeechParams,
        audio_base64: Base64 = None,
        audio_url: Url = None,
        audio_path: LocalPath = None,
        output_path: Annotated[
            str | None, Field(description="Writes the file to this path instead of returning it. Only over stdio.")
        ] = None,
        overwrite: Annotated[bool, Field(description="Permits output_path to replace a file.")] = False,
    ) -> Annotated[CallToolResult, SpeechToolResult]:
        """Speaks a text in the voice of a clip or in a stored voice, and returns the audio.

        With `keep`, it returns a link to the stored copy instead.
        """
        with tool_errors():
            clip = await clips.any(audio_base64, audio_url, audio_path)
            if clip is None and params.voice is None:
                raise InvalidInput("Give a voice or a clip.", "voice")
            folders = clips.folders("output_path") if output_path else None
            if folders and output_path:
                await asyncio.to_thread(folders.check_writable, output_path, overwrite=overwrite, param="output_path")
            async with reporting(context) as report:
                file, spoken = await _spoken(backend, params, clip, report)
            written = None
            if folders and output_path:
                written = await asyncio.to_thread(
                    folders.write, output_path, file, overwrite=overwrite, param="output_path"
                )
        result = SpeechToolResult(
            sample_rate=spoken.sample_rate,
            duration_seconds=round(spoken.duration, 3),
            format=params.response_format,
            finish_reason=spoken.finished.finish,
            seed=spoken.finished.seed,
            warnings=list(spoken.finished.warnings),
            output_path=str(written) if written else None,
            output_uri=output_uri(spoken.output) if spoken.output else None,
            details=spoken.details,
        )
        return CallToolResult(
            content=[
                TextContent(text=result.model_dump_json()),
                *_audio(file, spoken, keep=params.keep, written=written is not None),
            ],
            structured_content=result.model_dump(),
        )

    @server.tool(title="Transcribe a clip", annotations=READS)
    async def transcribe_audio(
        context: Context[Any, Any],
        audio_base64: Base64 = None,
        audio_url: Url = None,
        audio_path: LocalPath = None,
        language: HeardLanguage = None,
        word_timestamps: Annotated[bool, Field(description="Also return the times of each word.")] = False,
    ) -> TranscriptionResult:
        """Transcribes a clip."""
        with tool_errors():
            clip = await clips.one(audio_base64, audio_url, audio_path)
            async with reporting(context) as report:
                await report.send(str(Progress("listening")))
                found = await backend.transcribe(clip, language=language, words=word_timestamps)
        return TranscriptionResult(
            text=found.text,
            language=found.language,
            duration_seconds=found.duration,
            words=[word for segment in found.segments for word in segment.words],
            warnings=found.warnings,
        )


async def _spoken(
    backend: Backend, params: SpeechParams, clip: Clip | None, report: Report
) -> tuple[bytes, SpeechResult]:
    async with aclosing(backend.speak(params, clip)) as chunks:
        async for chunk in chunks:
            if chunk.progress:
                await report.send(str(chunk.progress))
            if chunk.result:
                return chunk.data, chunk.result
    raise ServiceError("Speech generation ended unexpectedly. Try again.")


def _audio(file: bytes, spoken: SpeechResult, *, keep: bool, written: bool) -> list[AudioContent | ResourceLink]:
    if keep and spoken.output:
        return [
            ResourceLink(uri=output_uri(spoken.output), name=spoken.output, mime_type=spoken.media_type, size=len(file))
        ]
    if written:
        return []
    return [AudioContent(data=base64.b64encode(file).decode(), mime_type=spoken.media_type)]
