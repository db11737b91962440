import asyncio

import pytest

from deployments.errors import Unavailable
from deployments.service.playback import Playback
from deployments.service.turns import Turn
from tests.support.recorder import Recorder


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def played(*sent: tuple[float, float], end: float) -> Recorder:
    """What is measured of a request that arrived at 100 s and sent seconds of audio at times."""
    metrics, clock = Recorder(), Clock()
    playback = Playback(metrics, 100.0, clock)
    for at, seconds in sent:
        clock.now = at
        playback.sent(seconds)
    clock.now = end
    playback.ended("stop")
    return metrics


def test_speech_that_comes_in_time() -> None:
    metrics = played((100.5, 1.0), (101.0, 1.0), (102.4, 2.0), end=103.0)
    assert metrics.observed["audio_ttfp_s"] == [0.5]
    assert metrics.observed["audio_duration_s"] == [4.0]
    assert metrics.observed["audio_rtf"] == [0.75]
    assert metrics.observed["e2e_request_latency_s"] == [3.0]
    assert metrics.observed["audio_underrun_s"] == [0.0]
    assert metrics.counts == {
        ("audio_frames_total",): 200.0,
        ("audio_continuity_ok_total", "100"): 1,
        ("requests_success_total", "stop"): 1,
    }


def test_speech_that_a_player_has_to_wait_for() -> None:
    metrics = played((100.5, 0.5), (101.25, 1.0), (102.375, 1.0), end=103.0)
    assert metrics.observed["audio_underrun_s"] == [pytest.approx(0.25 + 0.125)]
    assert ("audio_continuity_ok_total", "100") not in metrics.counts


def test_a_wait_below_the_threshold_is_none() -> None:
    metrics = played((100.5, 0.5), (101.0625, 1.0), end=103.0)
    assert metrics.observed["audio_underrun_s"] == [0.0625]
    assert metrics.counts["audio_continuity_ok_total", "100"] == 1


def test_bytes_without_audio_are_no_first_audio() -> None:
    assert played((100.1, 0.0), (101.0, 1.0), end=102.0).observed["audio_ttfp_s"] == [1.0]


def test_a_request_that_fails_before_its_first_audio_is_counted_by_its_reason() -> None:
    metrics = Recorder()
    Playback(metrics, 0.0).failed("unavailable")
    assert metrics.counts == {("audio_skipped_requests_total", "unavailable"): 1}
    started = Playback(metrics, 0.0)
    started.sent(1.0)
    started.failed("unavailable")
    assert metrics.counts["audio_skipped_requests_total", "unavailable"] == 1


def test_one_that_fails_after_its_first_audio_counts_as_interrupted() -> None:
    metrics = Recorder()
    playback = Playback(metrics, 0.0)
    playback.sent(1.0)
    playback.failed("unavailable")
    assert metrics.counts["audio_interrupted_requests_total", "unavailable"] == 1
    assert not [
        name for name, *_ in metrics.counts if name in ("audio_skipped_requests_total", "requests_success_total")
    ]


def test_what_fails_once_all_has_left_is_no_failure_of_the_speech() -> None:
    metrics = Recorder()
    playback = Playback(metrics, 0.0)
    playback.sent(1.0)
    playback.ended("stop")
    playback.failed("cancelled")
    assert ("audio_interrupted_requests_total", "cancelled") not in metrics.counts


def test_failures_are_told_apart_by_a_word() -> None:
    turn = Turn.begin(60)
    assert turn.reason_of(Unavailable("No.")) == "unavailable"
    assert turn.reason_of(RuntimeError("secret")) == "RuntimeError"
    assert turn.reason_of(asyncio.CancelledError()) == "cancelled"
    assert Turn.begin(0).reason_of(asyncio.CancelledError()) == "timeout"
