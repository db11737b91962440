"""What ships speaks, and is understood: bounds are loose, `scripts/eval_nano` has the figures."""

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from deployments.errors import InvalidText
from deployments.llasa.checkpoint import load_checkpoint
from deployments.llasa.engine import Engine
from deployments.llasa.protocol import Sampling
from deployments.nano.weights import FOLDER, verified
from deployments.settings import Settings
from deployments.synthesis.events import Audio
from deployments.synthesis.pace import CODES_A_SECOND
from deployments.synthesis.policy import Policy
from deployments.synthesis.synthesizer import SpeechRequest, Synthesizer
from deployments.text.wer import error_rate, tokens
from deployments.voices.preparation import Draft, Preparer
from deployments.voices.reference import Reference
from deployments.voices.shipped import shipped_voices
from deployments.whisper.transcriber import WhisperTranscriber
from deployments.xcodec2.batcher import CodecBatcher
from deployments.xcodec2.codec import Xcodec2Codec
from deployments.xcodec2.protocol import SAMPLE_RATE
from scripts.bench.quality import InProcess
from scripts.eval_nano import Nano

PATIENCE = 120
SENTENCES = (
    "the old man walked to the river.",
    "she likes the small red house.",
    "my friend has seven good books.",
    "we found the key in the garden.",
)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_sentences_in_a_built_in_voice_are_understood() -> None:
    voice = shipped_voices()["alloy"]
    nano = Nano(FOLDER, Sampling(), threads=1)

    async def hear(text: str, seed: int) -> tuple[bool, list[str]]:
        take = await nano.speak(text, voice.text, voice.codes, seed)
        audio = nano.decode(np.concatenate([voice.codes, take.codes]), start=len(voice.codes))
        return take.ended, await nano.transcribe(audio)

    async def all_of_them() -> list[tuple[bool, list[str]]]:
        return [await hear(text, seed) for seed, text in enumerate(SENTENCES)]

    try:
        heard = asyncio.run(all_of_them())
    finally:
        nano.close()
    wrong = sum(Levenshtein.distance(words, tokens(text)) for (_, words), text in zip(heard, SENTENCES, strict=True))
    assert sum(ended for ended, _ in heard) >= len(SENTENCES) - 1
    assert wrong <= sum(len(tokens(text)) for text in SENTENCES) / 2, heard


@pytest.fixture(scope="module")
def synthesizer() -> Iterator[Synthesizer]:
    lm = Engine(load_checkpoint(str(FOLDER / "llasa")))
    codec = CodecBatcher(Xcodec2Codec.load(str(FOLDER / "xcodec2")), max_batch=1)
    ear = WhisperTranscriber.load(str(verified("whisper")))
    try:
        yield Synthesizer(lm, codec, ear, InProcess())
    finally:
        ear.close()
        codec.close()
        lm.close()


def request(text: str, **fields: Any) -> SpeechRequest:
    return SpeechRequest(text, shipped_voices()["alloy"], sampling=Sampling(seed=3), **fields)


async def test_a_text_in_several_parts_is_the_same_streamed_and_whole(synthesizer: Synthesizer) -> None:
    asked = request("\n\n".join(SENTENCES[:3]))
    async with asyncio.timeout(PATIENCE):
        whole = await synthesizer.speak(asked)
        events = [event async for event in synthesizer.stream(asked)]
    assert len(whole.finished.parts) == 3
    np.testing.assert_array_equal(np.concatenate([e.wav for e in events if isinstance(e, Audio)]), whole.wav)


@pytest.fixture
def codec() -> Iterator[CodecBatcher]:
    codec = CodecBatcher(Xcodec2Codec.load(str(FOLDER / "xcodec2")), max_batch=1)
    yield codec
    codec.close()


@pytest.fixture
def ear() -> Iterator[WhisperTranscriber]:
    ear = WhisperTranscriber.load(str(verified("whisper")))
    yield ear
    ear.close()


async def test_a_clip_of_half_a_minute_is_cut_and_its_text_at_the_same_word(
    codec: CodecBatcher, ear: WhisperTranscriber
) -> None:
    voices = list(shipped_voices().values())
    voices = voices[4:] + voices[:4]  # of the first one, followed by the second, Whisper leaves out a sentence
    async with asyncio.timeout(PATIENCE):
        clip = np.concatenate([await codec.decode(voice.codes) for voice in voices])
        assert len(clip) > 30 * SAMPLE_RATE
        text = " ".join(voice.text for voice in voices)
        preparer = Preparer(codec, ear)
        draft = await preparer.draft(clip, text, "off")
        assert isinstance(draft, Draft)
        reference = await preparer.encode(draft, await preparer.listen(draft))
        seconds = len(reference.codes) / CODES_A_SECOND
        assert 3 < seconds <= 15
        assert text.startswith(reference.text)
        heard = await ear.transcribe(draft.clip.wav[: round(seconds * SAMPLE_RATE)])
        assert error_rate(reference.text, heard.text) < 0.4


async def test_a_reference_with_another_text_is_refused_by_default(
    codec: CodecBatcher, ear: WhisperTranscriber
) -> None:
    voice = shipped_voices()["coral"]
    check = Policy.of(Settings(_env_file=None)).reference_check  # type: ignore[call-arg]
    preparer = Preparer(codec, ear)

    async def prepare(text: str) -> Reference:
        draft = await preparer.draft(clip, text, check)
        assert isinstance(draft, Draft)
        return await preparer.encode(draft, await preparer.listen(draft))

    async with asyncio.timeout(PATIENCE):
        clip = await codec.decode(voice.codes)
        assert (await prepare(voice.text)).text == voice.text
        with pytest.raises(InvalidText, match="do not match"):
            await prepare("Nobody has asked for any of these words.")


@pytest.mark.parametrize(("text", "unread"), [("She has seven books.", False), ("She says 你好 and жду.", True)])
async def test_characters_that_the_model_cannot_read_are_told_of(
    synthesizer: Synthesizer, text: str, unread: bool
) -> None:
    async with asyncio.timeout(PATIENCE):
        speech = await synthesizer.speak(request(text))
    assert any("has no tokens" in warning for warning in speech.finished.warnings) == unread
