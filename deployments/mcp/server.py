"""The service as tools for assistants."""

import asyncio
import base64
import binascii
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from typing import Annotated, Any, Final, Literal

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import AudioContent, CallToolResult, TextContent, ToolAnnotations
from pydantic import Field, FiniteFloat

from deployments.errors import InvalidInput, ServiceError
from deployments.ingress.protocol import Backend, Clip, Speaking, Spoken
from deployments.llasa.protocol import INSTRUCTION, Sampling
from deployments.mcp.files import AllowedFolders
from deployments.mcp.results import (
    DeletedResult,
    GpuResult,
    SpeechResult,
    TranscriptionResult,
    VoiceResult,
    VoicesResult,
    WordResult,
)
from deployments.settings import Rate, Seed
from deployments.speech.container import Format
from deployments.speech.events import Progress
from deployments.speech.voice_store import Voice

INSTRUCTIONS: Final = (
    "Speaks texts in cloned voices and writes down what clips say. The first request after a while waits for models "
    "to load; progress is told. Clone a voice only with its owner's consent."
)
_STAGES: Final = {
    "waking": "Loading models",
    "listening": "Listening to the clip",
    "encoding": "Encoding the clip",
    "speaking": "Speaking",
    "checking": "Checking",
}

Model = Annotated[Literal["Llasa", "XCodec2", "Whisper"] | None, Field(description="Which; missing: all.")]
Base64 = Annotated[str | None, Field(description="A clip, as base64 of any audio file.")]
Url = Annotated[str | None, Field(description="A clip's address, where the service permits its host.")]
LocalPath = Annotated[str | None, Field(description="A clip's path on this machine. Only over stdio.")]


def build_server(backend: Backend, files: AllowedFolders | None = None) -> MCPServer[Any]:
    """All tools, on a service.

    Args:
        backend: The service.
        files: Where paths may lead; None: paths are refused, as they must be for callers of other machines.
    """
    server: MCPServer[Any] = MCPServer("llasa-serve", title="Llasa Serve", instructions=INSTRUCTIONS)
    for tools in (_speech_tools, _gpu_tools, _voice_tools):
        tools(server, backend, files)
    return server


def _speech_tools(server: MCPServer[Any], backend: Backend, files: AllowedFolders | None) -> None:
    @server.tool(title="Speak a text", annotations=_adds(idempotent=True))
    async def generate_speech(
        context: Context[Any, Any],
        target_text: Annotated[str, Field(description="What to say.")],
        voice: Annotated[str | None, Field(description="Name or id of a voice of list_voices.")] = None,
        audio_base64: Base64 = None,
        audio_url: Url = None,
        audio_path: LocalPath = None,
        ref_text: Annotated[str | None, Field(description="What the clip says. Missing: it is listened to.")] = None,
        system_prompt: Annotated[str, Field(max_length=200)] = INSTRUCTION,
        sample_rate: Rate = 24_000,
        temperature: Annotated[FiniteFloat, Field(ge=0, le=2)] = 0.9,
        top_k: Annotated[int, Field(ge=0, le=65_536)] = 50,
        top_p: Annotated[FiniteFloat, Field(gt=0, le=1)] = 0.95,
        penalty: Annotated[FiniteFloat, Field(gt=0, le=2)] = 1.1,
        random_seed: Seed = 49,
        format: Format = "wav",
        output_path: Annotated[
            str | None, Field(description="Writes the file there instead of returning it. Only over stdio.")
        ] = None,
        overwrite: Annotated[bool, Field(description="Permits output_path to replace a file.")] = False,
    ) -> Annotated[CallToolResult, SpeechResult]:
        """Speaks a text in the voice of a clip or in a stored voice, and returns the audio."""
        with _told():
            clip = await _clip(files, audio_base64, audio_url, audio_path)
            if (clip is None) == (voice is None):
                raise InvalidInput("Give either a voice or a clip.", "voice")
            if output_path:
                await asyncio.to_thread(
                    _allowed(files).check_writable, output_path, overwrite=overwrite, param="output_path"
                )
            sampling = Sampling(temperature, top_k, top_p, penalty, seed=random_seed)
            speaking = Speaking(target_text, voice, clip, ref_text, system_prompt, format, sample_rate, sampling)
            spoken = await _speak(backend, speaking, context)
            written = None
            if output_path:
                written = await asyncio.to_thread(
                    _allowed(files).write, output_path, spoken.file, overwrite=overwrite, param="output_path"
                )
        result = SpeechResult(
            sample_rate=spoken.sample_rate,
            duration_seconds=round(spoken.duration, 3),
            format=format,
            finish_reason=spoken.finish_reason,
            seed=spoken.seed,
            warnings=list(spoken.warnings),
            output_path=str(written) if written else None,
        )
        audio = AudioContent(data=base64.b64encode(spoken.file).decode(), mime_type=spoken.media_type)
        return CallToolResult(
            content=[TextContent(text=result.model_dump_json()), *([] if written else [audio])],
            structured_content=result.model_dump(),
        )

    @server.tool(title="Write down a clip", annotations=_READS)
    async def transcribe_audio(
        audio_base64: Base64 = None,
        audio_url: Url = None,
        audio_path: LocalPath = None,
        language: Annotated[str | None, Field(description="ISO 639-1; missing: it is found out.")] = None,
        word_timestamps: Annotated[bool, Field(description="Gives each word's times, too.")] = False,
    ) -> TranscriptionResult:
        """Writes down what a clip says."""
        with _told():
            clip = await _clip(files, audio_base64, audio_url, audio_path)
            if clip is None:
                raise InvalidInput("Give a clip.", "audio_base64")
            found = await backend.transcribe(clip, language=language, words=word_timestamps)
        words = [WordResult.model_validate(word) for segment in found["segments"] for word in segment["words"]]
        return TranscriptionResult(
            text=found["text"], language=found["language"], duration_seconds=found["duration"], words=words
        )


def _gpu_tools(server: MCPServer[Any], backend: Backend, files: AllowedFolders | None) -> None:
    async def residence() -> GpuResult:
        found = await backend.residence()
        return GpuResult(models=found.models, gpus=found.gpus)

    @server.tool(title="Where the models are", annotations=_READS)
    async def get_gpu_status() -> GpuResult:
        """Tells which models are loaded, on which GPU, and how much memory the GPUs have."""
        with _told():
            return await residence()

    @server.tool(title="Unload models", annotations=_changes(idempotent=True))
    async def offload_gpu(model: Model = None) -> GpuResult:
        """Unloads models from the GPU, once their running requests have ended. The next request brings them back."""
        with _told():
            await backend.offload(model, release=False)
            return await residence()

    @server.tool(title="Unload models and free memory", annotations=_changes(idempotent=True))
    async def release_gpu(model: Model = None) -> GpuResult:
        """Unloads models as offload_gpu does, and drops their weights from the host's memory, too."""
        with _told():
            await backend.offload(model, release=True)
            return await residence()

    @server.tool(title="Change the idle timeout", annotations=_changes(idempotent=True))
    async def update_gpu_timeout(
        timeout_seconds: Annotated[FiniteFloat, Field(ge=0, description="Idle time after which a model is unloaded.")],
        model: Model = None,
    ) -> GpuResult:
        """Changes after how long without a request models leave the GPU."""
        with _told():
            await backend.set_timeout(model, timeout_seconds)
            return await residence()


def _voice_tools(server: MCPServer[Any], backend: Backend, files: AllowedFolders | None) -> None:
    @server.tool(title="The voices", annotations=_READS)
    async def list_voices() -> VoicesResult:
        """Lists the voices that generate_speech can use by name."""
        with _told():
            return VoicesResult(voices=[_voice(voice) for voice in await backend.voices()])

    @server.tool(title="Store a voice", annotations=_adds(idempotent=False))
    async def clone_voice(
        name: Annotated[str, Field(description="What to call it.")],
        consent: Annotated[str, Field(min_length=1, max_length=1000, description="Whose it is, and how they agreed.")],
        audio_base64: Base64 = None,
        audio_url: Url = None,
        audio_path: LocalPath = None,
        ref_text: Annotated[str | None, Field(description="What the clip says. Missing: it is listened to.")] = None,
    ) -> VoiceResult:
        """Stores the voice of a clip under a name."""
        with _told():
            clip = await _clip(files, audio_base64, audio_url, audio_path)
            if clip is None:
                raise InvalidInput("Give a clip.", "audio_base64")
            return _voice(await backend.clone_voice(name, clip, ref_text, consent))

    @server.tool(title="Delete a voice", annotations=_changes(idempotent=False, destructive=True))
    async def delete_voice(voice: Annotated[str, Field(description="Its name or id.")]) -> DeletedResult:
        """Deletes a stored voice for good."""
        with _told():
            return DeletedResult(id=(await backend.delete_voice(voice)).id)

    @server.resource("llasa://voices", title="The voices", mime_type="application/json")
    async def voices() -> str:
        """The voices that generate_speech can use by name."""
        with _told():
            return VoicesResult(voices=[_voice(voice) for voice in await backend.voices()]).model_dump_json()


def _adds(*, idempotent: bool) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=False, destructive_hint=False, idempotent_hint=idempotent, open_world_hint=False
    )


def _changes(*, idempotent: bool, destructive: bool = False) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=False, destructive_hint=destructive, idempotent_hint=idempotent, open_world_hint=False
    )


_READS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)


@contextmanager
def _told() -> Iterator[None]:
    """Gives the service's errors to the assistant in their own words."""
    try:
        yield
    except ServiceError as error:
        where = f" ({error.param})" if error.param else ""
        raise ToolError(f"{error.message}{where}") from error


async def _clip(files: AllowedFolders | None, data: str | None, url: str | None, path: str | None) -> Clip | None:
    if sum(given is not None for given in (data, url, path)) > 1:
        raise InvalidInput("Give one clip: audio_base64, audio_url or audio_path.", "audio_base64")
    if path is not None:
        return Clip(await asyncio.to_thread(_allowed(files).read, path, "audio_path"))
    if data is not None:
        try:
            return Clip(base64.b64decode(data, validate=True))
        except (binascii.Error, ValueError):
            raise InvalidInput("The clip is no base64.", "audio_base64") from None
    return Clip(url=url) if url is not None else None


def _allowed(files: AllowedFolders | None) -> AllowedFolders:
    if files is None:
        raise InvalidInput("Paths are taken over stdio only: send the clip as base64.", "audio_path")
    return files


async def _speak(backend: Backend, speaking: Speaking, context: Context[Any, Any]) -> Spoken:
    told = 0
    async with aclosing(backend.speak(speaking)) as events:
        async for event in events:
            if isinstance(event, Progress):
                told += 1
                part = f" part {event.part} of {event.parts}" if event.parts > 1 else ""
                await context.report_progress(told, None, _STAGES[event.stage] + part)
            else:
                return event
    raise AssertionError("a backend ended without speech")


def _voice(voice: Voice) -> VoiceResult:
    return VoiceResult(id=voice.id, name=voice.name, ref_text=voice.ref_text, duration_seconds=voice.duration)
