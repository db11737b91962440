import numpy as np
import pytest

from deployments.audio.loudness import loudness
from deployments.voices.cleaning import clean, find_speech
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform
from tests.support.tones import say, stretches

TEXT = "amber brook cedar dune ember frost grove haze"
NOISE = np.random.default_rng(0).normal(0, 0.003, 60 * SAMPLE_RATE).astype(np.float32)


def quiet(seconds: float) -> Waveform:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def test_silence_around_the_speech_is_cut() -> None:
    clip = clean(np.concatenate([quiet(2), say(TEXT), quiet(3)]), stretches)
    assert len(clip.wav) / SAMPLE_RATE == pytest.approx(3.9 + 0.2, abs=0.05)
    assert clip.warnings == ()


@pytest.mark.parametrize("floor", [0.006 / 0.003 * NOISE, 0.01 + 0 * NOISE], ids=["noise", "direct current"])
def test_it_is_cut_in_noise_too(floor: Waveform) -> None:
    wav = np.concatenate([quiet(4), say(TEXT), quiet(4)])
    around = (4 * SAMPLE_RATE, len(wav) - 4 * SAMPLE_RATE)
    clip = clean(wav + floor[: len(wav)], lambda wav: [around])
    assert len(clip.wav) / SAMPLE_RATE == pytest.approx(3.9 + 0.2, abs=0.2)
    assert not any("Little" in warning for warning in clip.warnings)


@pytest.mark.parametrize("level", [0.02, 0.3, 0.9])
def test_every_clip_gets_the_same_loudness(level: float) -> None:
    assert loudness(clean(say(TEXT, level=level), stretches).wav) == pytest.approx(0.1, rel=0.05)


FAULTS = {
    "clipped": np.clip(5 * say(TEXT), -1, 1),
    "silent for 2.0 s": say(TEXT, pauses={3: 2.0}),
    "1.6 s of speech": say("amber brook cedar dune"),
    "Little or no speech is found": quiet(4) + 1e-4,
    "noisy": say(TEXT, pauses={3: 1.0}, level=0.01)[: 4 * SAMPLE_RATE] + NOISE[: 4 * SAMPLE_RATE],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_a_clip_is_told(fault: str) -> None:
    def detect(wav: Waveform) -> list[tuple[int, int]]:
        return [(0, 29_000), (44_000, 64_000)] if fault == "noisy" else stretches(wav)

    assert [fault in warning for warning in clean(FAULTS[fault], detect).warnings] == [True]


def test_the_detector_finds_no_speech_in_silence_and_noise() -> None:
    assert find_speech(quiet(2)) == []
    assert find_speech(NOISE[: 2 * SAMPLE_RATE]) == []


def test_a_detector_that_misses_most_of_what_sounds_cuts_nothing() -> None:
    wav = say(TEXT)
    clip = clean(wav, lambda wav: stretches(wav)[:2])
    assert len(clip.wav) == len(wav)
    assert "Little or no speech" in clip.warnings[0]
