"""Runs Whisper on the CPU, one clip at a time."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, Self, Unpack

from deployments.errors import InvalidInput, Unavailable
from deployments.whisper.capabilities import Capabilities
from deployments.whisper.protocol import IgnoredOption, Listening, Segment, Transcript, Waveform, Word

if TYPE_CHECKING:
    from faster_whisper import BatchedInferencePipeline, WhisperModel

SAMPLE_RATE: Final = 16_000
WINDOW: Final = 30 * SAMPLE_RATE
"""Samples that Whisper processes at once. Longer clips are cut at pauses, and the pieces transcribed together."""
PAUSE_MS: Final = 700
"""Milliseconds of silence that the voice activity detector takes for the end of speech."""
DECODING: Final[dict[str, Any]] = {
    "vad_filter": True,
    "beam_size": 5,
    "without_timestamps": False,  # otherwise, a long clip's segments last half a minute
    # Keeps an error in one window from affecting the next.
    "condition_on_previous_text": False,
}


class WhisperTranscriber:
    """Implements the `Transcriber` protocol with a loaded checkpoint and one thread.

    Calls run in order. A call that is cancelled while it waits is never run, and one that is cancelled while it runs
    ends at its next segment.
    """

    def __init__(self, model: "WhisperModel", batched: "BatchedInferencePipeline", capabilities: Capabilities) -> None:
        self._model = model
        self._batched = batched
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="whisper")
        self._closed = False
        self.capabilities = capabilities

    @classmethod
    def load(cls, path: str, *, cpu_threads: int = 0) -> Self:
        """Loads a checkpoint in CTranslate2's format, in int8, on the CPU.

        Args:
            path: A local folder with config.json, model.bin, tokenizer.json and vocabulary.json.
            cpu_threads: Threads for matrix operations; 0 leaves it to CTranslate2 (4, or OMP_NUM_THREADS).

        Raises:
            Unavailable: the checkpoint does not exist, or is not a Whisper.
        """
        from faster_whisper import BatchedInferencePipeline, WhisperModel
        from faster_whisper.vad import get_vad_model

        get_vad_model()  # so that the first call does not wait for it
        try:
            model = WhisperModel(
                path, device="cpu", compute_type="int8", cpu_threads=cpu_threads, local_files_only=True
            )
        except (OSError, ValueError, RuntimeError) as error:
            line = (str(error).splitlines() or [type(error).__name__])[0]
            raise Unavailable(
                f"The Whisper checkpoint {path!r} cannot be loaded ({line}). Give a folder that holds "
                "a model in CTranslate2's format, such as Systran/faster-whisper-large-v3."
            ) from error
        return cls(model, BatchedInferencePipeline(model), Capabilities.of(model))

    async def transcribe(self, wav: Waveform, **listening: Unpack[Listening]) -> Transcript:
        """Transcribes [samples] at 16 kHz of any length; silence gives an empty text at once.

        No language can be detected in silence: the transcript then has `en` with probability 0.

        Raises:
            InvalidInput: the checkpoint does not know the language.
            Unavailable: the transcriber is closed.
        """
        return await self._submit(wav, listening, lambda segment: None)

    async def stream(self, wav: Waveform, **listening: Unpack[Listening]) -> AsyncGenerator[Segment | Transcript, None]:
        """Yields each segment when it is transcribed, and the transcript last."""
        loop = asyncio.get_running_loop()
        found = asyncio.Queue[Segment | None]()
        call = asyncio.create_task(
            self._submit(wav, listening, lambda segment: loop.call_soon_threadsafe(found.put_nowait, segment))
        )
        call.add_done_callback(lambda _: found.put_nowait(None))
        try:
            while (segment := await found.get()) is not None:
                yield segment
            yield await call
        finally:
            call.cancel()

    async def _submit(self, wav: Waveform, listening: Listening, found: Callable[[Segment], object]) -> Transcript:
        options, ignored = self._options(**listening)
        if self._closed:
            raise _closed()
        given_up = threading.Event()
        call = self._thread.submit(self._transcribe, wav, options, ignored, found, given_up)
        try:
            return await asyncio.wrap_future(call)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                raise _closed() from None
            raise
        finally:
            given_up.set()

    def sleep(self) -> None:
        """Drops the weights, once no call runs."""
        self._thread.submit(self._model.model.unload_model).result()

    def wake(self) -> None:
        """Reads the weights from the checkpoint again."""
        self._thread.submit(self._model.model.load_model).result()

    def close(self) -> None:
        """Lets the running call finish and refuses the waiting and all later ones. Waits for the thread."""
        self._closed = True
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _options(self, **listening: Unpack[Listening]) -> tuple[dict[str, Any], tuple[IgnoredOption, ...]]:
        """Returns faster-whisper's options, and the ignored ones of `listening`."""
        prompt = (listening.get("prompt") or "").strip() or None
        task = listening.get("task", "transcribe")
        ignored: list[IgnoredOption] = []
        if prompt and not self.capabilities.takes_prompt:
            prompt = None
            ignored.append("prompt")
        if task == "translate" and not self.capabilities.translates:
            task = "transcribe"
            ignored.append("task")
        options = {
            "language": self._language(listening.get("language")),
            "initial_prompt": prompt,
            "word_timestamps": listening.get("word_timestamps", False),
            # A single one, so that there is no fallback to sampling.
            "temperature": listening.get("temperature", 0.0),
            "task": task,
        }
        return options, tuple(ignored)

    def _language(self, language: str | None) -> str | None:
        if language is None:
            return None
        code = language.strip().lower()
        if code not in self.capabilities.languages:
            known = ", ".join(self.capabilities.languages)
            raise InvalidInput(
                f"The language {language!r} is not one that the Whisper checkpoint knows: {known}.", param="language"
            )
        return code

    def _transcribe(
        self,
        wav: Waveform,
        options: dict[str, Any],
        ignored: tuple[IgnoredOption, ...],
        report: Callable[[Segment], object],
        given_up: threading.Event,
    ) -> Transcript:
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        duration = len(wav) / SAMPLE_RATE
        language = options["language"]
        english_only = self.capabilities.english_only
        vad = {"min_silence_duration_ms": PAUSE_MS}
        # Checked in advance, because faster-whisper would detect the language of silence, which takes seconds.
        if not len(wav) or not get_speech_timestamps(wav, VadOptions(**vad)):
            sure = float(language is not None)
            return Transcript("", language or "en", sure, duration, ignored=ignored, english_only=english_only)
        model = self._model if len(wav) <= WINDOW else self._batched
        found, info = model.transcribe(wav, vad_parameters=vad, **options, **DECODING)
        segments = []
        for segment in found:
            if given_up.is_set():
                break
            segments.append(_segment(segment))
            report(segments[-1])
        text = " ".join(segment.text for segment in segments if segment.text)
        if options["initial_prompt"] and not text and not given_up.is_set():
            # Not every checkpoint that has the token was trained with prompts.
            plain = self._transcribe(wav, options | {"initial_prompt": None}, (*ignored, "prompt"), report, given_up)
            if plain.text:
                return plain
        return Transcript(
            text,
            info.language,
            float(info.language_probability),
            float(info.duration),
            tuple(segments),
            ignored,
            english_only=english_only,
        )


def _segment(found: Any) -> Segment:
    words = tuple(
        Word(word.word.strip(), float(word.start), float(word.end), float(word.probability))
        for word in found.words or ()
    )
    return Segment(
        text=" ".join(found.text.split()),
        start=float(found.start),
        end=float(found.end),
        words=words,
        avg_logprob=float(found.avg_logprob),
        no_speech_prob=float(found.no_speech_prob),
        compression_ratio=float(found.compression_ratio),
        temperature=float(found.temperature or 0.0),
        tokens=tuple(found.tokens),
    )


def _closed() -> Unavailable:
    return Unavailable("The transcriber is shutting down. Try again.", retry_after_s=5)
