"""All that is known of a speech, as JSON."""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, replace

from deployments.ingress.delivery import Piece
from deployments.speech.captions import captions
from deployments.speech.subtitles import srt, vtt


def in_detail(piece: Piece, headers: Mapping[str, str]) -> Piece:
    """A whole speech as JSON: the file in base64, its parts with their seeds and what was heard in them, captions.

    Times are those of the speech at speed 1.
    """
    finished = piece.finished
    assert finished  # noqa: S101 - as of any last piece
    lines = captions(finished.parts)
    told = {
        "audio": base64.b64encode(piece.data).decode(),
        "sample_rate": int(headers["X-Sample-Rate"]),
        "duration": round(piece.seconds, 3),
        "finish_reason": finished.finish,
        "seed": finished.seed,
        "ref_text": finished.ref_text,
        "warnings": finished.warnings,
        "parts": [asdict(part) for part in finished.parts],
        "captions": [{"text": line.text, "start": line.start, "end": line.end} for line in lines],
        "srt": srt(lines),
        "vtt": vtt(lines),
    }
    return replace(piece, data=json.dumps(told).encode())
