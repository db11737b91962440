import numpy as np
import pytest

from deployments.errors import InvalidAudio, InvalidText
from deployments.text.wer import error_rate
from deployments.voices.preparation import LONGEST, Draft, Preparer, ReferenceCheck
from deployments.voices.reference import Reference, ReferenceCache
from deployments.whisper.protocol import Segment, Transcript, Word
from deployments.xcodec2.protocol import SAMPLE_RATE, Codes, Waveform
from tests.conftest import Models
from tests.support.clips import voice
from tests.support.scripted import ToneCodec
from tests.support.tones import WORDS, Ear, say, stretches
from tests.support.watcher import Watcher

TEXT = "Amber brook, cedar dune. Ember frost grove haze."
LONG = " ".join(f"{' '.join(WORDS[n % 20 : n % 20 + 4]).capitalize()}." for n in range(20))
"""80 words, 40 s."""


class Tape(ToneCodec):
    """Remembers what it encoded."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded: list[Waveform] = []

    async def encode(self, wav: Waveform) -> Codes:
        self.encoded.append(wav)
        return await super().encode(wav)


class Bench:
    """A preparer with its parts at hand."""

    def __init__(self, ear: Ear | None = None, cache: ReferenceCache | None = None) -> None:
        self.codec, self.ear = Tape(), ear or Ear()
        self.preparer = Preparer(self.codec, self.ear, stretches, cache)

    async def prepare(self, wav: Waveform, text: str | None = None, check: ReferenceCheck = "off") -> Reference:
        draft = await self.preparer.draft(wav, text, check)
        if isinstance(draft, Reference):
            return draft
        return await self.preparer.encode(draft, await self.preparer.listen(draft) if draft.needs_listening else None)


async def test_a_clip_of_40_s_is_cut_at_a_word_and_so_is_its_text() -> None:
    bench = Bench()
    clip = say(LONG)
    assert len(clip) / SAMPLE_RATE == pytest.approx(40)
    reference = await bench.prepare(clip, LONG)
    (cut,) = bench.codec.encoded
    assert LONGEST / 2 < len(cut) / SAMPLE_RATE <= LONGEST
    assert LONG.startswith(reference.text)
    assert error_rate(reference.text, (await Ear().transcribe(cut)).text) == 0
    assert len(reference.codes) == len(cut) // 320


async def test_without_its_text_a_long_clip_is_cut_the_same() -> None:
    bench = Bench()
    reference = await bench.prepare(say(LONG))
    (cut,) = bench.codec.encoded
    assert len(cut) / SAMPLE_RATE <= LONGEST
    assert error_rate(reference.text, (await Ear().transcribe(cut)).text) == 0


async def test_a_cut_text_of_a_script_without_spaces_gets_none() -> None:
    class Chinese(Ear):
        async def transcribe(self, wav: Waveform, **_: object) -> Transcript:
            words = [Word(sign, n / 2, n / 2 + 0.4, 1.0) for n, sign in enumerate("今天天气很好我们去公园散步" * 3)]
            halves = [tuple(words[:20]), tuple(words[20:])]
            segments = [Segment("".join(w.text for w in half), half[0].start, half[-1].end, half) for half in halves]
            return Transcript(" ".join(s.text for s in segments), "zh", 1.0, 19.5, tuple(segments))

    bench = Bench()
    bench.preparer = Preparer(bench.codec, Chinese(), stretches)
    reference = await bench.prepare(say(LONG)[: 39 * SAMPLE_RATE // 2])
    assert reference.text.startswith("今天天气很好我们去公园散步今天")


async def test_it_is_cut_where_the_speaker_rests() -> None:
    bench = Bench()
    reference = await bench.prepare(say(LONG, pauses={19: 0.8}), LONG)
    assert len(reference.text.split()) == 20
    assert reference.text.endswith(".")


async def test_a_long_clip_in_which_no_word_of_its_text_is_heard_is_kept_or_refused() -> None:
    other = "Nothing of all this is ever said."
    kept = await Bench().prepare(say(LONG)[: 18 * SAMPLE_RATE], other)
    assert kept.text == other
    assert "could not be cut" in kept.warnings[0]
    with pytest.raises(InvalidAudio, match="no word of its text is heard"):
        await Bench().prepare(say(LONG), other)


async def test_a_wrong_text_is_refused_with_both_texts() -> None:
    with pytest.raises(InvalidText) as caught:
        await Bench().prepare(say(TEXT), "Lake moss north oak pine quartz.", "refuse")
    assert "Lake moss north oak pine quartz." in caught.value.message
    assert "amber brook cedar dune ember frost grove haze" in caught.value.message
    assert caught.value.param == "ref_text"


async def test_a_wrong_text_is_repaired_when_asked() -> None:
    reference = await Bench().prepare(say(TEXT), "Lake moss north oak pine quartz.", "repair")
    assert reference.text == "amber brook cedar dune ember frost grove haze"
    assert "was replaced" in reference.warnings[0]


async def test_a_clip_that_comes_again_with_another_text_is_not_listened_to_again() -> None:
    bench = Bench()
    with pytest.raises(InvalidText):
        await bench.prepare(say(TEXT), "Lake moss north oak pine quartz.", "refuse")
    await bench.prepare(say(TEXT), "Lake moss north oak pine quartz.", "repair")
    assert (await bench.prepare(say(TEXT), TEXT, "refuse")).text == TEXT
    assert bench.ear.calls == 1
    await bench.prepare(say(TEXT[:25]), TEXT[:25], "refuse")
    assert bench.ear.calls == 2


async def test_the_text_that_is_heard_in_a_long_clip_is_whole_and_can_be_sent_back() -> None:
    bench = Bench()
    heard = await bench.preparer.hear(say(LONG))
    assert len(heard.text.split()) == 80
    reference = await bench.prepare(say(LONG), heard.text, "refuse")
    assert heard.text.startswith(reference.text)
    assert bench.ear.calls == 1


async def test_a_long_clip_is_cut_at_the_last_rest_that_fits() -> None:
    reference = await Bench().prepare(say(LONG, pauses={17: 0.5, 19: 0.8, 23: 0.4}), LONG)
    assert len(reference.text.split()) == 24


async def test_where_the_text_is_another_nothing_is_cut_by_a_word_they_share() -> None:
    with pytest.raises(InvalidAudio, match="no word of its text is heard"):
        await Bench().prepare(say(LONG), f"Nothing of all this {WORDS[10]} is ever said.")


@pytest.mark.parametrize("text", [TEXT, TEXT.replace("dune", "June")])
async def test_a_text_that_is_right_but_for_a_word_stands(text: str) -> None:
    assert (await Bench().prepare(say(TEXT), text, "refuse")).text == text


@pytest.mark.parametrize("ear", [Ear(sure=False), Ear(compression_ratio=8.0)], ids=["unsure", "repetitive"])
async def test_what_whisper_is_not_sure_of_does_not_count_against_the_caller(ear: Ear) -> None:
    reference = await Bench(ear).prepare(say(TEXT), "Something else.", "refuse")
    assert reference.text == "Something else."
    assert "was not checked" in reference.warnings[0]


@pytest.mark.parametrize("check", ["refuse", "repair"])
async def test_a_whisper_that_knows_only_english_does_not_judge_texts_in_other_scripts(check: ReferenceCheck) -> None:
    text = "你好，我叫小明。"
    reference = await Bench(Ear(english_only=True)).prepare(say(TEXT), text, check)
    assert reference.text == text
    assert "knows only English" in reference.warnings[0]
    with pytest.raises(InvalidText):
        await Bench().prepare(say(TEXT), text, "refuse")
    with pytest.raises(InvalidText):
        await Bench(Ear(english_only=True)).prepare(say(TEXT), "Something else.", "refuse")


async def test_with_its_text_and_without_a_check_nobody_listens() -> None:
    bench = Bench()
    assert (await bench.prepare(say(TEXT), "Something else.")).text == "Something else."
    assert bench.ear.calls == 0


async def test_a_clip_without_speech_and_text_is_refused() -> None:
    with pytest.raises(InvalidAudio, match="No speech is heard"):
        await Bench().prepare(np.full(32_000, 1e-4, np.float32))


async def test_what_was_prepared_once_is_known_by_its_content() -> None:
    bench = Bench()
    first = await bench.prepare(say(TEXT))
    assert await bench.prepare(say(TEXT)) is first
    assert (bench.ear.calls, len(bench.codec.encoded)) == (1, 1)
    assert await bench.prepare(say(TEXT), "Amber.") is not first
    assert isinstance(await bench.preparer.draft(say(TEXT), None, "refuse"), Draft)


async def test_the_cache_is_bounded_in_bytes_and_forgets_what_was_not_used() -> None:
    cache = ReferenceCache(10_000)
    references = [Reference(np.zeros(500, np.int32), f"{n}") for n in range(10)]
    for n, reference in enumerate(references):
        cache.put(bytes([n]), reference)
        assert cache.get(bytes([0])) is references[0]
        assert cache.size <= 10_000
    assert cache.get(bytes([1])) is None
    cache.put(bytes([0]), references[0])
    assert cache.size <= 10_000


async def test_a_watch_is_told_what_the_cache_does() -> None:
    watcher = Watcher()
    cache = ReferenceCache(10_000, watcher)
    bench = Bench(cache=cache)
    for text in (None, None, "Amber.", None):
        await bench.prepare(say(TEXT), text)
    assert watcher.looked == [False, True, False, True]
    assert watcher.size == cache.size > 0


async def test_the_real_models_prepare_a_clip(models: Models) -> None:
    preparer = Preparer(models.codec, models.transcriber)
    draft = await preparer.draft(voice(18.0), None, "off")
    assert isinstance(draft, Draft)
    reference = await preparer.encode(draft, await preparer.listen(draft))
    assert reference.text
    assert 100 < len(reference.codes) <= 20 * 50
