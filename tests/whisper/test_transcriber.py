import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from deployments.errors import InvalidInput, Unavailable
from deployments.nano.weights import verified
from deployments.whisper.capabilities import Capabilities
from deployments.whisper.protocol import Segment, Transcript, Waveform
from deployments.whisper.transcriber import WhisperTranscriber
from scripts.random_checkpoints.whisper import WORDS

PATIENCE = 30
ENGLISH = Capabilities(("en",))
FORMANTS = ((700, 1200, 2500), (300, 2300, 3000), (400, 800, 2600), (500, 1800, 2500), (600, 1000, 2400))


def babble(seconds: int, rate: int = 16_000) -> Waveform:
    """Vowels in syllables over a gliding pitch: enough for the voice activity detector."""
    chance = np.random.default_rng(0)
    time = np.arange(seconds * rate) / rate
    phase = 2 * np.pi * np.cumsum(120 * (1 + 0.15 * np.sin(5 * time))) / rate
    source = np.sum([np.cos(harmonic * phase) for harmonic in range(1, 50)], axis=0)
    syllables = []
    for syllable in np.array_split(source, 6 * seconds):
        hertz = np.fft.rfftfreq(len(syllable), 1 / rate)
        gain = sum(1 / (1 + ((hertz - formant) / 80) ** 2) for formant in FORMANTS[chance.integers(5)])
        shape = np.sin(np.pi * np.arange(len(syllable)) / len(syllable)) ** 0.5
        syllables.append(np.fft.irfft(np.fft.rfft(syllable) * gain, len(syllable)) * shape)
    wav = np.concatenate(syllables)
    return np.asarray(0.3 * wav / np.abs(wav).max(), np.float32)


@pytest.fixture
def transcriber(tiny_whisper: Path) -> Iterator[WhisperTranscriber]:
    transcriber = WhisperTranscriber.load(str(tiny_whisper), cpu_threads=1)
    yield transcriber
    transcriber.close()


async def transcribe(transcriber: WhisperTranscriber, wav: Waveform, **options: Any) -> Transcript:
    async with asyncio.timeout(PATIENCE):
        return await transcriber.transcribe(wav, **options)


async def test_speech_becomes_text_with_its_language_and_times(transcriber: WhisperTranscriber) -> None:
    found = await transcribe(transcriber, babble(4))
    assert found.text == " ".join(WORDS)
    assert found.language == "en"
    assert found.language_probability > 0.9
    assert found.duration == 4
    (segment,) = found.segments
    assert segment.text == found.text
    assert 0 <= segment.start < segment.end <= 4
    assert segment.words == ()
    assert len(segment.tokens) >= len(WORDS)


async def test_words_and_their_times_come_when_asked_for(transcriber: WhisperTranscriber) -> None:
    found = await transcribe(transcriber, babble(4), word_timestamps=True)
    words = [word for segment in found.segments for word in segment.words]
    assert " ".join(word.text for word in words) == found.text
    assert all(type(word.start) is float and 0 <= word.start <= word.end <= 4 for word in words)


async def test_a_clip_longer_than_the_window_is_transcribed_whole(transcriber: WhisperTranscriber) -> None:
    found = await transcribe(transcriber, babble(50))
    assert found.duration == 50
    assert len(found.segments) > 1
    assert found.text == " ".join(segment.text for segment in found.segments)
    assert found.segments[-1].end > 31


@pytest.mark.parametrize("seconds", [0, 0.01, 3, 40])
async def test_silence_gives_an_empty_text(transcriber: WhisperTranscriber, seconds: float) -> None:
    silence = np.zeros(int(seconds * 16_000), np.float32)
    found = await transcribe(transcriber, silence)
    assert (found.text, found.segments, found.language_probability) == ("", (), 0)
    assert (await transcribe(transcriber, silence, language="fr")).language == "fr"


async def test_the_same_clip_gives_the_same_transcript(transcriber: WhisperTranscriber) -> None:
    first, second = [await transcribe(transcriber, babble(3), word_timestamps=True) for _ in range(2)]
    assert first == second


async def test_a_given_language_is_taken_in_any_case_and_a_prompt_of_any_length(
    transcriber: WhisperTranscriber,
) -> None:
    for seconds in (2, 32):
        found = await transcribe(transcriber, babble(seconds), language=" DE ", prompt="Hm. " * 500)
        assert (found.language, found.language_probability) == ("de", 1)
        assert found.text
        assert found.ignored == ()


async def test_a_checkpoint_that_takes_no_prompt_transcribes_without_it_and_tells() -> None:
    model: Any = PromptShyModel()
    transcriber = WhisperTranscriber(model, model, Capabilities(("en",), takes_prompt=False, translates=False))
    found = await transcribe(transcriber, babble(1), prompt="River", task="translate")
    assert (found.text, found.ignored, model.prompts) == ("so on", ("prompt", "task"), [None])
    transcriber.close()


async def test_what_is_ignored_is_told_of_silence_too() -> None:
    model: Any = PromptShyModel()
    transcriber = WhisperTranscriber(model, model, Capabilities(("en",), takes_prompt=False, translates=False))
    found = await transcribe(transcriber, np.zeros(16_000, np.float32), prompt="River", task="translate")
    assert (found.text, found.ignored) == ("", ("prompt", "task"))
    transcriber.close()


async def test_a_prompt_that_leaves_nothing_of_the_speech_is_left_out_and_told() -> None:
    model: Any = PromptShyModel()
    transcriber = WhisperTranscriber(model, model, ENGLISH)
    found = await transcribe(transcriber, babble(1), prompt="River")
    assert (found.text, found.ignored, model.prompts) == ("so on", ("prompt",), ["River", None])
    pieces = [piece async for piece in transcriber.stream(babble(1), prompt="River")]
    assert [type(piece) for piece in pieces] == [Segment, Transcript]
    assert pieces[-1] == found
    transcriber.close()


async def test_a_clip_without_words_has_an_empty_text_with_a_prompt_too() -> None:
    model: Any = PromptShyModel(words=False)
    transcriber = WhisperTranscriber(model, model, ENGLISH)
    found = await transcribe(transcriber, babble(1), prompt="River")
    assert (found.text, found.ignored, model.prompts) == ("", (), ["River", None])
    transcriber.close()


async def test_an_unknown_language_is_refused_with_the_known_ones(transcriber: WhisperTranscriber) -> None:
    with pytest.raises(InvalidInput, match=r"'elvish' is not one that .* knows: .*\bde, .*\bzh") as refused:
        await transcribe(transcriber, babble(1), language="elvish")
    assert refused.value.param == "language"


async def test_a_checkpoint_for_english_refuses_other_languages_and_says_what_it_knows() -> None:
    transcriber = WhisperTranscriber.load(str(verified("whisper")), cpu_threads=1)
    try:
        assert (await transcribe(transcriber, babble(2), language="EN")).english_only
        assert (await transcribe(transcriber, np.zeros(16_000, np.float32))).english_only
        with pytest.raises(InvalidInput, match=r"'zh' is not one that .* knows: en\.") as refused:
            await transcribe(transcriber, babble(2), language="zh")
    finally:
        transcriber.close()
    assert refused.value.param == "language"


async def test_a_read_only_clip_is_fine(transcriber: WhisperTranscriber) -> None:
    wav = babble(2)
    wav.flags.writeable = False  # as Ray hands arrays over
    assert (await transcribe(transcriber, wav)).text


@pytest.mark.parametrize("files", [[], ["config.json"]])
def test_a_missing_or_broken_checkpoint_is_unavailable(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        (tmp_path / name).write_text("{}")
    with pytest.raises(Unavailable, match="CTranslate2"):
        WhisperTranscriber.load(str(tmp_path))
    with pytest.raises(Unavailable, match="cannot be loaded"):
        WhisperTranscriber.load(str(tmp_path / "nothing"))


class GatedModel:
    """In place of faster-whisper's model: enters, then waits for the gate."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.clips: list[int] = []

    def transcribe(self, wav: Waveform, **options: Any) -> tuple[Iterator[Any], Any]:
        self.clips.append(len(wav))
        self.entered.set()
        if not self.gate.wait(PATIENCE):
            raise TimeoutError
        raise RuntimeError("no model here")


class PromptShyModel:
    """In place of faster-whisper's model: writes nothing after a prompt."""

    def __init__(self, words: bool = True) -> None:
        self.prompts: list[str | None] = []
        self._words = words

    def transcribe(self, wav: Waveform, **options: Any) -> tuple[list[Any], Any]:
        self.prompts.append(options["initial_prompt"])
        info = SimpleNamespace(language="en", language_probability=1.0, duration=1.0)
        return [segment()] if self._words and options["initial_prompt"] is None else [], info


def segment() -> SimpleNamespace:
    return SimpleNamespace(
        text=" so\n on ",
        start=0.0,
        end=1.0,
        words=None,
        avg_logprob=0.0,
        no_speech_prob=0.0,
        compression_ratio=1.0,
        temperature=None,
        tokens=[1],
    )


class TricklingModel:
    """In place of faster-whisper's model: a segment whenever it is let."""

    def __init__(self) -> None:
        self.let = threading.Semaphore(0)
        self.made = threading.Semaphore(0)
        self.count = 0

    def transcribe(self, wav: Waveform, **options: Any) -> tuple[Iterator[Any], Any]:
        return self._segments(), SimpleNamespace(language="en", language_probability=1.0, duration=1.0)

    def _segments(self) -> Iterator[Any]:
        for _ in range(5):
            self.count += 1
            self.made.release()
            if not self.let.acquire(timeout=PATIENCE):
                raise TimeoutError
            yield segment()


async def test_segments_are_joined_by_single_spaces_without_line_breaks() -> None:
    model: Any = TricklingModel()
    model.let.release(5)
    transcriber = WhisperTranscriber(model, model, ENGLISH)
    assert (await transcribe(transcriber, babble(1))).text == " ".join(["so on"] * 5)
    transcriber.close()


async def test_a_running_call_whose_caller_gives_up_ends_at_its_next_segment() -> None:
    model: Any = TricklingModel()
    transcriber = WhisperTranscriber(model, model, ENGLISH)
    call = asyncio.create_task(transcriber.transcribe(babble(1)))
    assert await asyncio.to_thread(model.made.acquire, timeout=PATIENCE)
    call.cancel()
    await asyncio.wait([call], timeout=PATIENCE)
    model.let.release(5)
    await asyncio.to_thread(transcriber.close)
    assert call.cancelled()
    assert model.count == 1


async def test_a_cancelled_call_that_waits_is_never_run_and_closing_refuses_the_others() -> None:
    model: Any = GatedModel()
    transcriber = WhisperTranscriber(model, model, ENGLISH)
    running, dropped, refused = (asyncio.create_task(transcriber.transcribe(babble(n))) for n in (1, 2, 3))
    assert await asyncio.to_thread(model.entered.wait, PATIENCE)
    dropped.cancel()
    await asyncio.wait([dropped], timeout=PATIENCE)
    closing = asyncio.create_task(asyncio.to_thread(transcriber.close))
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(Unavailable):
            await refused
        model.gate.set()
        with pytest.raises(RuntimeError, match="no model"):
            await running
        await closing
    assert dropped.cancelled()
    assert model.clips == [16_000]
    with pytest.raises(Unavailable):
        await transcriber.transcribe(babble(1))


async def test_a_woken_transcriber_hears_the_same(transcriber: WhisperTranscriber) -> None:
    wav = babble(2)
    before = await transcriber.transcribe(wav)
    transcriber.sleep()
    assert not transcriber._model.model.model_is_loaded
    transcriber.wake()
    assert await transcriber.transcribe(wav) == before
