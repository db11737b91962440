"""Tools that generate and transcribe speech."""

import asyncio
import base64
from contextlib import aclosing
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import AudioContent, CallToolResult, ResourceLink, TextContent
from pydantic import Field

from deployments.audio.encoder import Format
from deployments.errors import InvalidInput, ServiceError
from deployments.llasa.protocol import INSTRUCTION, Sampling
from deployments.mcp.arguments import Base64, Clips, LocalPath, RefText, Url
from deployments.mcp.errors import tool_errors
from deployments.mcp.hints import READS, changes
from deployments.mcp.report import Report, reporting
from deployments.mcp.resources import output_uri
from deployments.mcp.results import SpeechResult, TranscriptionResult, WordResult
from deployments.service.parameters import (
    BestOf,
    Language,
    Penalty,
    RefCheck,
    SystemPrompt,
    Temperature,
    TopK,
    TopP,
    Verify,
)
from deployments.service.requests import Backend, Speaking, Spoken
from deployments.settings import Rate, Seed
from deployments.synthesis.events import Progress


def speech_tools(server: MCPServer[Any], backend: Backend, clips: Clips) -> None:
    """Adds them."""

    @server.tool(title="Speak a text", annotations=changes(destructive=clips.take_paths))
    async def generate_speech(
        context: Context[Any, Any],
        target_text: Annotated[str, Field(description="What to say.")],
        voice: Annotated[str | None, Field(description="Name or id of a voice from list_voices.")] = None,
        audio_base64: Base64 = None,
        audio_url: Url = None,
        audio_path: LocalPath = None,
        ref_text: RefText = None,
        ref_check: RefCheck = None,
        system_prompt: SystemPrompt = INSTRUCTION,
        sample_rate: Annotated[Rate, Field(description="Hz. MP3 and AAC have some, Opus only 48000.")] = 24_000,
        temperature: Temperature = 0.9,
        top_k: TopK = 50,
        top_p: TopP = 0.95,
        penalty: Penalty = 1.1,
        random_seed: Annotated[Seed, Field(description="Equal calls with the same seed give the same speech.")] = 49,
        language: Language = "en",
        verify: Verify = None,
        best_of: BestOf = None,
        format: Annotated[Format, Field(description="`pcm` is 16-bit little-endian mono.")] = "wav",
        as_link: Annotated[
            bool,
            Field(description="Returns a link to the audio as a resource, if the service stores copies."),
        ] = False,
        output_path: Annotated[
            str | None, Field(description="Writes the file to this path instead of returning it. Only over stdio.")
        ] = None,
        overwrite: Annotated[bool, Field(description="Permits output_path to replace a file.")] = False,
    ) -> Annotated[CallToolResult, SpeechResult]:
        """Speaks a text in the voice of a clip or in a stored voice, and returns the audio."""
        with tool_errors():
            clip = await clips.any(audio_base64, audio_url, audio_path)
            if (clip is None) == (voice is None):
                raise InvalidInput("Give either a voice or a clip.", "voice")
            folders = clips.folders("output_path") if output_path else None
            if folders and output_path:
                await asyncio.to_thread(folders.check_writable, output_path, overwrite=overwrite, param="output_path")
            speaking = Speaking(
                target_text,
                voice,
                clip,
                ref_text,
                system_prompt,
                format,
                sample_rate,
                Sampling(temperature, top_k, top_p, penalty, seed=random_seed),
                verify=verify,
                best_of=best_of,
                ref_check=ref_check,
                language=language,
                keep=as_link,
            )
            async with reporting(context) as report:
                spoken = await _spoken(backend, speaking, report)
            written = None
            if folders and output_path:
                written = await asyncio.to_thread(
                    folders.write, output_path, spoken.file, overwrite=overwrite, param="output_path"
                )
        result = SpeechResult(
            sample_rate=spoken.sample_rate,
            duration_seconds=round(spoken.duration, 3),
            format=format,
            finish_reason=spoken.finish_reason,
            seed=spoken.seed,
            warnings=list(spoken.warnings),
            output_path=str(written) if written else None,
            output_uri=output_uri(spoken.output) if spoken.output else None,
        )
        return CallToolResult(
            content=[TextContent(text=result.model_dump_json()), *_audio(spoken, as_link, bool(written))],
            structured_content=result.model_dump(),
        )

    @server.tool(title="Transcribe a clip", annotations=READS)
    async def transcribe_audio(
        context: Context[Any, Any],
        audio_base64: Base64 = None,
        audio_url: Url = None,
        audio_path: LocalPath = None,
        language: Annotated[str | None, Field(description="ISO 639-1; missing: it is found out.")] = None,
        word_timestamps: Annotated[bool, Field(description="Also return the times of each word.")] = False,
    ) -> TranscriptionResult:
        """Transcribes a clip."""
        with tool_errors():
            clip = await clips.one(audio_base64, audio_url, audio_path)
            async with reporting(context) as report:
                await report.send(str(Progress("listening")))
                found = await backend.transcribe(clip, language=language, words=word_timestamps)
        words = [WordResult.model_validate(word) for segment in found["segments"] for word in segment["words"]]
        return TranscriptionResult(
            text=found["text"],
            language=found["language"],
            duration_seconds=found["duration"],
            words=words,
            warnings=found["warnings"],
        )


async def _spoken(backend: Backend, speaking: Speaking, report: Report) -> Spoken:
    async with aclosing(backend.speak(speaking)) as events:
        async for event in events:
            if isinstance(event, Spoken):
                return event
            await report.send(str(event))
    raise ServiceError("Speech generation ended unexpectedly. Try again.")


def _audio(spoken: Spoken, as_link: bool, written: bool) -> list[AudioContent | ResourceLink]:
    if as_link and spoken.output:
        link = ResourceLink(
            uri=output_uri(spoken.output), name=spoken.output, mime_type=spoken.media_type, size=len(spoken.file)
        )
        return [link]
    if written:
        return []
    return [AudioContent(data=base64.b64encode(spoken.file).decode(), mime_type=spoken.media_type)]
