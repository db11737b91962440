"""Formats transcripts as subtitles."""

from collections.abc import Iterable

from deployments.whisper.protocol import Segment


def srt(segments: Iterable[Segment]) -> str:
    """SubRip."""
    blocks = [
        f"{number}\n{_time(segment.start, ',')} --> {_time(segment.end, ',')}\n{segment.text}\n"
        for number, segment in enumerate(segments, 1)
    ]
    return "\n".join(blocks)


def vtt(segments: Iterable[Segment]) -> str:
    """WebVTT."""
    blocks = [
        # Text that looks like markup, or like the arrow between times, must be escaped.
        f"{_time(segment.start, '.')} --> {_time(segment.end, '.')}\n{_escaped(segment.text)}\n"
        for segment in segments
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(seconds: float, point: str) -> str:
    thousandths = round(seconds * 1000)
    minutes, thousandths = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{thousandths // 1000:02}{point}{thousandths % 1000:03}"
