import numpy as np
import pytest

from deployments.llasa.protocol import Codes
from deployments.synthesis.guards import Flaw, LoopDetector, check_duration, check_silence
from tests.support.clips import voice


def codes(count: int, kinds: int = 2048) -> Codes:
    return np.random.default_rng(0).integers(0, kinds, count).astype(np.int32)


def stuck(wav: Codes, every: int = 25) -> bool:
    detector = LoopDetector()
    return any(detector.push(part) for part in np.split(wav, range(every, len(wav), every)))


@pytest.mark.parametrize("period", [1, 7, 20, 50])
@pytest.mark.parametrize("every", [1, 10, 25])
def test_a_take_that_turns_in_a_circle_is_noticed_within_three_seconds(period: int, every: int) -> None:
    assert stuck(np.concatenate([codes(60), np.tile(codes(period), 300)[:200]]), every)


def test_a_circle_that_is_never_quite_the_same_is_noticed() -> None:
    circle = np.tile(codes(20), 20)
    strays = np.random.default_rng(1).random(len(circle)) < 0.05
    assert stuck(np.where(strays, codes(len(circle))[::-1], circle).astype(np.int32))


def test_a_held_sound_is_noticed() -> None:
    assert stuck(codes(150, kinds=4))


@pytest.mark.parametrize(
    "fine",
    [
        codes(600),
        codes(600, kinds=30),
        np.repeat(codes(60), 10),
        np.concatenate([np.tile(codes(25), 5), codes(300)[200:]]),
    ],
    ids=["speech", "few codes", "held vowels", "a word said five times"],
)
def test_speech_is_not_taken_for_a_loop(fine: Codes) -> None:
    assert not stuck(fine)


def kind(flaw: Flaw | None) -> str | None:
    return flaw.kind if flaw else None


def test_silence_and_holes_are_heard() -> None:
    assert check_silence(voice(2.0)) is None
    assert kind(check_silence(np.zeros(32_000, np.float32))) == "silence"
    assert kind(check_silence(0.001 * voice(2.0))) == "silence"
    flaw = check_silence(np.concatenate([voice(1.0), np.zeros(40_000, np.float32), voice(1.0)]))
    assert kind(flaw) == "gap"
    assert flaw
    assert "2.5 s" in flaw.message or "2.6 s" in flaw.message


@pytest.mark.parametrize(
    ("spoken", "expected", "flaw"),
    [
        (100, 100, None),
        (75, 100, None),
        (150, 100, None),
        (40, 100, "short"),
        (260, 100, "long"),
        (250, 500, "short"),
        (1050, 500, "long"),
        (400, 200, "long"),
        (140, 70, "long"),
        (50, 100, "short"),
        (24, 12, None),  # a word alone
    ],
)
def test_a_take_must_last_about_as_long_as_its_text(spoken: int, expected: float, flaw: str | None) -> None:
    assert kind(check_duration(spoken, expected)) == flaw


def test_worse_flaws_rank_higher() -> None:
    assert Flaw("silence", "").rank > Flaw("loop", "").rank > Flaw("short", "").rank > 0
