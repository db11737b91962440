"""Details of a speech, as JSON."""

import base64
import json
from dataclasses import asdict, replace
from typing import Any

from deployments.audio.encoder import rate_of
from deployments.audio.subtitles import srt, vtt
from deployments.service.delivery import AudioChunk, OutputOptions
from deployments.synthesis.captions import captions
from deployments.synthesis.events import Finished, Part


def summary(finished: Finished, seconds: float) -> dict[str, Any]:
    """Describes how a speech of `seconds` ended."""
    return {
        "duration": round(seconds, 3),
        "finish_reason": finished.finish,
        "seed": finished.seed,
        "warnings": finished.warnings,
    }


def details(finished: Finished, delivery: OutputOptions, seconds: float) -> dict[str, Any]:
    """Returns the summary with the parts, their seeds, what Whisper heard in them and when, and captions."""
    parts = finished.parts
    if delivery.speed != 1:
        parts = tuple(_at_speed(part, delivery.speed, seconds) for part in parts)
    lines = captions(parts)
    return {
        **summary(finished, seconds),
        "sample_rate": rate_of(delivery.format, delivery.rate),
        "ref_text": finished.ref_text,
        "parts": [asdict(part) for part in parts],
        "captions": [{"text": line.text, "start": line.start, "end": line.end} for line in lines],
        "srt": srt(lines),
        "vtt": vtt(lines),
    }


def with_details(piece: AudioChunk, delivery: OutputOptions) -> AudioChunk:
    """Returns a whole speech as JSON: the file in base64, and its details."""
    assert piece.finished  # noqa: S101 - as of any last piece
    audio = base64.b64encode(piece.data).decode()
    body = {"audio": audio, **details(piece.finished, delivery, piece.seconds)}
    return replace(piece, data=json.dumps(body).encode())


def _at_speed(part: Part, speed: float, length: float) -> Part:
    """Scales the part's times to a file of that length, which is slower or faster than the speech."""

    def there(time: float) -> float:
        return round(min(time / speed, length), 3)  # the tempo filter drops a little of the end

    start = there(part.start)
    words = tuple(replace(word, start=there(word.start), end=there(word.end)) for word in part.words)
    return replace(part, start=start, seconds=round(there(part.start + part.seconds) - start, 3), words=words)
