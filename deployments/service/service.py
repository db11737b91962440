"""The application: everything that the interfaces of the service offer, once."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import IO, TypeVar, Unpack

from deployments.audio.clip import AudioReader
from deployments.jobs.formats import BookFormat
from deployments.jobs.manuscript import Manuscript
from deployments.jobs.order import JobOrder
from deployments.jobs.protocol import JobBoard
from deployments.jobs.recordings import BlockOrder, TranscriptionOrder
from deployments.jobs.speaker import PartOrder, RecordedPart
from deployments.profiles import Profile
from deployments.residency.protocol import MODELS, ModelStatus, Residency, models_of
from deployments.service.backend import ASSISTANTS, Clip, Residence
from deployments.service.delivery import OutputOptions, SpeechChunk, file_chunks
from deployments.service.job_desk import LongRecording
from deployments.service.listener import Listener
from deployments.service.long_listening import hear_block, transcription_order
from deployments.service.long_speech import LongSpeech, record
from deployments.service.metrics import Metrics
from deployments.service.outputs import read_output
from deployments.service.parameters import RATE, SpeechParams
from deployments.service.playback import measured
from deployments.service.pronunciations import PronunciationStore, StoredPronunciation
from deployments.service.requests import Dialogue, Requests
from deployments.service.retry import stream_with_retries, with_retries
from deployments.service.transcription import Transcription
from deployments.service.turns import Admission, Turn, in_turn
from deployments.service.voice_bundles import restore_voice
from deployments.service.voices import Voices
from deployments.settings import Settings
from deployments.synthesis.events import SpeechEvent
from deployments.synthesis.synthesizer import Synthesizer
from deployments.synthesis.usage import Usage
from deployments.text.checks import check_ref_text
from deployments.text.pronunciation import Pronunciation
from deployments.voices.preparation import ReferenceCheck
from deployments.voices.store import Voice
from deployments.whisper.protocol import Listening, Segment, Transcript
from deployments.xcodec2.protocol import Waveform

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class SpeechService:
    """`Backend` in this process, with what HTTP and the page need besides.

    Work takes a turn: `caller` is either the turn that the request holds already, or the name of a client that shall
    wait for one. All methods raise ServiceError, and retry work whose replica died.
    """

    synthesizer: Synthesizer
    audio: AudioReader
    listener: Listener
    voices: Voices
    pronunciations: PronunciationStore
    health: Callable[[], Awaitable[dict[str, str]]]
    """Returns Serve's status of each deployment, in lower case, by its name."""
    residency: Residency
    admission: Admission
    metrics: Metrics
    profile: Profile
    settings: Settings
    jobs: JobBoard | None = field(default=None, kw_only=True)

    def speak(
        self,
        params: SpeechParams,
        clip: Clip | None = None,
        *,
        streamed: bool = False,
        caller: Turn | str = ASSISTANTS,
        rate: int = RATE,
        dialogue: Dialogue = (),
    ) -> AsyncGenerator[SpeechChunk, None]:
        """Implements `Backend.speak`; `rate` is the default sample rate in Hz if the settings have none."""

        async def spoken(turn: Turn) -> AsyncGenerator[SpeechChunk, None]:
            complete = params.with_defaults(self.settings, self.profile, rate)
            options = OutputOptions.of(complete, self.settings, streamed=streamed)
            usage = Usage()
            request = await self._requests.read(complete, clip, streamed=streamed, dialogue=dialogue)
            # As long as none of the file has been sent, all of it may be made again.
            chunks = stream_with_retries(
                lambda: file_chunks(self.synthesizer.stream(request, usage), options, usage),
                lambda chunk: bool(chunk.data or chunk.result),
            )
            async with aclosing(measured(chunks, self.metrics, turn)) as sent:
                async for chunk in sent:
                    yield chunk
                    if streamed and chunk.result:
                        for warning in chunk.result.finished.warnings:
                            logger.warning("A streamed speech has a flaw: %s", warning)

        return self._in_turn(caller, spoken)

    async def narrate(
        self, params: SpeechParams, clip: Clip | None = None, *, caller: Turn | str
    ) -> AsyncGenerator[SpeechEvent, None]:
        """Yields the events of a speech as it is generated; the caller makes a file of it.

        A generator function, since Serve streams the results of no other over a handle.
        """

        async def spoken(_: Turn) -> AsyncGenerator[SpeechEvent, None]:
            request = await self._requests.read(params.with_defaults(self.settings, self.profile), clip, streamed=True)
            retried = stream_with_retries(
                lambda: self.synthesizer.stream(request), lambda event: event.audio is not None
            )
            async with aclosing(retried) as events:
                async for event in events:
                    yield event

        async with aclosing(self._in_turn(caller, spoken)) as narrated:
            async for event in narrated:
                yield event

    async def job_order(
        self, params: SpeechParams, manuscript: Manuscript, clip: Clip | None, format: BookFormat, *, caller: Turn | str
    ) -> JobOrder:
        """Returns the job that speaks a long text. Only a clip waits for a turn."""
        long = LongSpeech(self._requests, self.synthesizer, self.profile)
        turn = caller if clip else Turn.begin(self.settings.request_timeout)
        return await self._once(turn, lambda: long.order(params, manuscript, clip, format))

    async def transcription_order(self, recording: LongRecording, *, caller: Turn | str) -> TranscriptionOrder:
        """Returns the job that transcribes a recording."""
        return await self._once(caller, lambda: transcription_order(self._requests, recording))

    async def record(self, order: PartOrder) -> RecordedPart:
        """Speaks a part of a job whenever there is nothing more urgent to do."""
        async with self.admission.background_turn():
            return await record(self.synthesizer, order)

    async def hear_block(self, order: BlockOrder) -> Transcript:
        """Transcribes a block of a job whenever there is nothing more urgent to do."""
        async with self.admission.background_turn():
            return await hear_block(self.listener, order)

    async def transcribe(
        self, clip: Clip, *, language: str | None, words: bool, caller: Turn | str = ASSISTANTS
    ) -> Transcription:
        """Transcribes a clip."""
        listening = Listening(language=language or None, word_timestamps=words)
        return Transcription.of(await self.transcript(clip, caller=caller, **listening))

    async def hear_clip(self, clip: Clip, *, caller: Turn | str) -> Transcription:
        """Transcribes a reference clip. The warnings are those that speech with it would have."""

        async def heard() -> Transcript:
            read = await self._requests.clip(clip)
            found = await with_retries(lambda: self.synthesizer.hear(read.wav))
            return replace(found, warnings=read.warnings + found.warnings)

        return Transcription.of(await self._once(caller, heard))

    async def transcript(self, clip: Clip, *, caller: Turn | str, **listening: Unpack[Listening]) -> Transcript:
        """Transcribes a recording, with the options of `Transcriber`."""
        async with aclosing(self.listen(clip, caller=caller, **listening)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Transcript):
                    return piece
        raise AssertionError("a recording ended without its transcript")

    def listen(
        self, clip: Clip, *, caller: Turn | str, **listening: Unpack[Listening]
    ) -> AsyncGenerator[Segment | Transcript, None]:
        """Yields each segment of a recording as it is transcribed, and the transcript last."""

        async def heard(_: Turn) -> AsyncGenerator[Segment | Transcript, None]:
            found = self.listener.listen(await self._requests.file(clip), clip.param, **listening)
            async with aclosing(found) as pieces:
                async for piece in pieces:
                    yield piece

        return self._in_turn(caller, heard)

    async def fetched(self, clip: Clip) -> Clip:
        """Returns a clip that can be read more than once, without fetching its URL again."""
        file = await self._requests.file(clip)
        return replace(clip, file=file if isinstance(file, bytes) else await asyncio.to_thread(file.read), url=None)

    async def output(self, name: str) -> bytes:
        """Returns a stored copy of speech by its name."""
        return await read_output(self.settings, name)

    async def residence(self) -> Residence:
        """Returns where the models are loaded, and the GPUs."""
        return Residence(*await asyncio.gather(self.models(), self.residency.gpus()))

    async def models(self) -> dict[str, ModelStatus]:
        """Returns where the models are loaded."""
        return await self.residency.status()

    async def offload(self, model: str | None, *, release: bool) -> None:
        """Lets a model, or all, sleep in host memory; `release` ends their processes instead."""
        await (self.residency.release if release else self.residency.offload)(models_of(model))

    async def warm(self, model: str | None, *, pin: bool = False) -> None:
        """Loads a model, or all, ahead of need; `pin` keeps them loaded until they are offloaded."""
        await self.residency.warm(models_of(model), pin=pin)

    async def warm_up(self) -> None:
        """Loads the models that most requests need. A large Whisper is left out: it takes memory, and few need it."""
        await self.residency.warm([model for model in MODELS if model != "Whisper" or self.profile.name == "nano"])

    async def set_timeout(self, model: str | None, seconds: float) -> None:
        """Changes the idle timeout of a model, or of all."""
        await self.residency.set_timeout(models_of(model), seconds)

    async def list_voices(self) -> list[Voice]:
        """Returns the built-in voices, then the stored ones."""
        return await self.voices.list()

    async def clone_voice(
        self,
        name: str,
        clip: Clip,
        ref_text: str | None,
        consent: str,
        *,
        ref_check: ReferenceCheck | None = None,
        caller: Turn | str = ASSISTANTS,
    ) -> Voice:
        """Stores the voice of a clip."""
        ref_text = check_ref_text(ref_text, self.settings.max_text_length)

        async def stored() -> Voice:
            read = await self._requests.clip(clip)
            return await with_retries(
                lambda: self.voices.create(name, read.wav, ref_text, consent, ref_check, read.warnings)
            )

        return await self._once(caller, stored)

    async def export_voice(self, voice: str) -> bytes:
        """Returns the bundle of a stored voice by its name or id."""
        return await with_retries(lambda: self.voices.bundle(voice))

    async def import_voice(
        self, file: IO[bytes] | bytes, name: str | None = None, *, caller: Turn | str = ASSISTANTS
    ) -> Voice:
        """Stores the voice of a bundle, under a name or that in the bundle; see `restore_voice`."""
        return await self._once(caller, lambda: restore_voice(self.voices, self.audio, self.settings, file, name))

    async def rename_voice(self, voice: str, name: str) -> Voice:
        """Renames a stored voice."""
        return await self.voices.rename(voice, name)

    async def delete_voice(self, voice: str) -> Voice:
        """Deletes a stored voice for good."""
        return await self.voices.remove(voice)

    async def voice_sample(self, voice: str) -> Waveform:
        """Returns [samples] mono at 16 kHz: a sample of a voice."""
        return await with_retries(lambda: self.voices.sample(voice))

    async def list_pronunciations(self) -> tuple[StoredPronunciation, ...]:
        """Returns the stored pronunciations, by their terms."""
        return await asyncio.to_thread(self.pronunciations.list)

    async def pronunciation(self, id: str) -> StoredPronunciation:
        """Returns a stored pronunciation."""
        return await asyncio.to_thread(self.pronunciations.get, id)

    async def add_pronunciations(
        self, entries: Sequence[Pronunciation], *, replace: bool = False
    ) -> tuple[StoredPronunciation, ...]:
        """Stores pronunciations; `replace` permits to replace those of the same terms."""
        return await asyncio.to_thread(self.pronunciations.add, entries, replace=replace)

    async def change_pronunciation(self, id: str, entry: Pronunciation) -> StoredPronunciation:
        """Replaces a stored pronunciation. Its id changes with its term."""
        return await asyncio.to_thread(self.pronunciations.change, id, entry)

    async def remove_pronunciation(self, id: str) -> None:
        """Deletes a stored pronunciation."""
        await asyncio.to_thread(self.pronunciations.remove, id)

    def _in_turn(self, caller: Turn | str, work: Callable[[Turn], AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
        return in_turn(self.admission, caller, self.settings.request_timeout, work)

    async def _once(self, caller: Turn | str, work: Callable[[], Awaitable[T]]) -> T:
        async def done(_: Turn) -> AsyncGenerator[T, None]:
            yield await work()

        async with aclosing(self._in_turn(caller, done)) as results:
            return await anext(results)

    @property
    def _requests(self) -> Requests:
        return Requests(self.settings, self.audio, self.voices, self.pronunciations, self.synthesizer.policy)
