"""The model deployments behind their handles."""

from collections.abc import AsyncGenerator
from typing import Any, Unpack, cast

from ray.serve.handle import DeploymentHandle, DeploymentResponseGenerator

from deployments.llasa.protocol import CodeChunk, TakeRequest
from deployments.remote import errors_of
from deployments.whisper.protocol import Listening, Segment, Transcript
from deployments.xcodec2.protocol import Codes, Waveform


class RemoteLlasa:
    """`SpeechLM` behind a handle."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._takes: DeploymentHandle[Any] = handle.options(method_name="generate", stream=True)

    async def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
        with errors_of("Llasa"):
            chunks = cast("DeploymentResponseGenerator[CodeChunk]", self._takes.remote(request))
            try:
                async for chunk in chunks:
                    yield chunk
            finally:
                chunks.cancel()


class RemoteXcodec2:
    """`Codec` behind a handle."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle

    async def encode(self, wav: Waveform) -> Codes:
        with errors_of("XCodec2"):
            codes: Codes = await self._handle.encode.remote(wav)
        return codes

    async def decode(self, codes: Codes, start: int = 0) -> Waveform:
        with errors_of("XCodec2"):
            wav: Waveform = await self._handle.decode.remote(codes, start)
        return wav


class RemoteWhisper:
    """`Transcriber` behind a handle."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle
        self._streams: DeploymentHandle[Any] = handle.options(method_name="stream", stream=True)

    async def transcribe(self, wav: Waveform, **listening: Unpack[Listening]) -> Transcript:
        with errors_of("Whisper"):
            transcript: Transcript = await self._handle.transcribe.remote(wav, **listening)
        return transcript

    async def stream(self, wav: Waveform, **listening: Unpack[Listening]) -> AsyncGenerator[Segment | Transcript, None]:
        with errors_of("Whisper"):
            found = cast("DeploymentResponseGenerator[Segment | Transcript]", self._streams.remote(wav, **listening))
            try:
                async for piece in found:
                    yield piece
            finally:
                found.cancel()
