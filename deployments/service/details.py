"""Details of a speech, as JSON."""

from dataclasses import asdict, replace
from typing import Any

from deployments.audio.subtitles import srt, vtt
from deployments.synthesis.captions import captions
from deployments.synthesis.events import Finished, Part


def summary(finished: Finished, duration: float) -> dict[str, Any]:
    """Describes how a speech of `duration` seconds ended."""
    return {
        "duration": round(duration, 3),
        "finish_reason": finished.finish,
        "seed": finished.seed,
        "warnings": finished.warnings,
    }


def details(finished: Finished, speed: float, duration: float, sample_rate: int) -> dict[str, Any]:
    """Returns the summary with the parts, their seeds, what Whisper heard in them and when, and captions.

    Args:
        finished: The result, whose times are those at speed 1.
        speed: Speed of the file.
        duration: Seconds of the file.
        sample_rate: Hz of the file.
    """
    parts = finished.parts
    if speed != 1:
        parts = tuple(_at_speed(part, speed, duration) for part in parts)
    lines = captions(parts)
    return {
        **summary(finished, duration),
        "sample_rate": sample_rate,
        "ref_text": finished.ref_text,
        "parts": [asdict(part) for part in parts],
        "captions": [{"text": line.text, "start": line.start, "end": line.end} for line in lines],
        "srt": srt(lines),
        "vtt": vtt(lines),
    }


def _at_speed(part: Part, speed: float, length: float) -> Part:
    """Scales the part's times to a file of that length, which is slower or faster than the speech."""

    def there(time: float) -> float:
        return round(min(time / speed, length), 3)  # the tempo filter drops a little of the end

    start = there(part.start)
    words = tuple(replace(word, start=there(word.start), end=there(word.end)) for word in part.words)
    return replace(part, start=start, seconds=round(there(part.start + part.seconds) - start, 3), words=words)
