from deployments.audio.subtitles import srt, vtt
from deployments.whisper.protocol import Segment

SEGMENTS = [Segment("Good morning.", 0.0, 1.5), Segment("Tom & <b>Jerry</b> --> here", 3599.9996, 3661.02)]


def test_srt() -> None:
    assert srt(SEGMENTS) == (
        "1\n00:00:00,000 --> 00:00:01,500\nGood morning.\n\n"
        "2\n01:00:00,000 --> 01:01:01,020\nTom & <b>Jerry</b> --> here\n"
    )


def test_vtt() -> None:
    assert vtt(SEGMENTS) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nGood morning.\n\n"
        "01:00:00.000 --> 01:01:01.020\nTom &amp; &lt;b&gt;Jerry&lt;/b&gt; --&gt; here\n"
    )


def test_silence_has_no_subtitles() -> None:
    assert (srt([]), vtt([])) == ("", "WEBVTT\n")
