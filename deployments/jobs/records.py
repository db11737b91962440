"""What the journal returns, and how values are written into it."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import numpy as np
from pydantic import TypeAdapter

from deployments.audio.mastering import LoudnessTarget
from deployments.audio.prosody import Prosody
from deployments.errors import NotFound
from deployments.jobs.formats import BookFormat
from deployments.jobs.order import JobOrder
from deployments.jobs.protocol import ChapterProgress, Job, Overrun
from deployments.jobs.recordings import TranscriptionOrder
from deployments.jobs.speaker import PartOrder
from deployments.voices.reference import Reference
from deployments.whisper.protocol import Listening, Transcript

TRANSCRIPT: Final = TypeAdapter(Transcript)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A part that waits to be spoken, or to be transcribed."""

    job: str
    owner: str
    key: str
    order: PartOrder | Listening


@dataclass(frozen=True, slots=True)
class Spoken:
    """A part that has its audio."""

    seconds: float
    took: float | None
    """Seconds of work; None: it was there already."""
    prosody: Prosody
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """The audio of a part, as a file is joined from it."""

    chapter: int
    key: str
    seconds: float
    before: float
    """Seconds of silence before it."""
    pause: float
    """Seconds of silence after it."""
    written: str = ""
    """What captions show."""
    slot_start: float | None = None
    """When it shall begin, in seconds from the beginning of the file; None: after the part before it."""
    slot_end: float | None = None
    rate: float = 1.0
    """How much faster than its audio it is played. `seconds` are those of this rate."""
    gain: float = 0.0
    """dB by which its audio is made louder."""


@dataclass(frozen=True, slots=True)
class Book:
    """What the file of a job needs besides its audio."""

    title: str | None
    author: str | None
    cover: bytes | None
    titles: tuple[str, ...]
    """Of the chapters."""
    format: BookFormat
    sample_rate: int
    loudness: LoudnessTarget | None = None


def job_of(row: sqlite3.Row, chapters: Iterable[ChapterProgress] = (), overruns: Iterable[Overrun] = ()) -> Job:
    """Returns the job of a row with its sums."""
    characters, done = row["characters"], int(row["characters_done"])
    # Only parts that this job has waited for count: others were taken from earlier jobs.
    pace = row["took"] / row["work_timed"] if row["work_timed"] else None
    left = row["work"] - row["work_done"]
    return Job(
        id=row["id"],
        state=row["state"],
        title=row["title"],
        author=row["author"],
        response_format=row["format"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        parts=row["parts"],
        parts_done=row["parts_done"],
        parts_failed=row["parts_failed"],
        characters=characters,
        characters_done=done,
        progress=row["work_done"] / row["work"],
        duration=row["duration"],
        seconds_left=0.0 if not left else None if pace is None else left * pace,
        error=row["error"],
        warnings=(*json.loads(row["warnings"]), *_drifted(row)),
        chapters=tuple(chapters),
        overruns=tuple(overruns),
        kind=row["kind"],
        retaken=row["parts_retaken"],
    )


def _drifted(row: sqlite3.Row) -> Iterator[str]:
    if count := row["parts_drifted"]:
        yield (
            f"{count} of {row['parts']} parts differ from the rest of their voice, however often they are spoken. The "
            f"first, {row['drifted_text'][:60]!r}: {row['drift']}."
        )


def joined_chapters(titles: Sequence[str], rows: Iterable[sqlite3.Row]) -> list[ChapterProgress]:
    """Returns the progress of chapters: a title and the sums of its parts."""
    return [
        ChapterProgress(title, row["parts"], row["parts_done"], row["duration"])
        for title, row in zip(titles, rows, strict=True)
    ]


def missing(id: str) -> NotFound:
    """Returns the error for a job that does not exist, or is another's."""
    return NotFound(f"There is no job {id[:100]!r}: it was deleted or never existed.", "id")


def failure(failed: Sequence[sqlite3.Row]) -> str:
    """Returns the error of a job some of whose parts could not be spoken, or blocks not be transcribed."""
    first = failed[0]
    many = len(failed) > 1
    if first["recorded"] is not None:
        return f"{len(failed)} {'blocks' if many else 'block'} could not be transcribed. The first: {first['error']}"
    noun = "parts" if many else "part"
    return f"{len(failed)} {noun} could not be spoken. The first, {first['text'][:60]!r}: {first['error']}"


def job_values(order: JobOrder | TranscriptionOrder) -> dict[str, Any]:
    """Returns the columns of a new job that its order determines."""
    if isinstance(order, TranscriptionOrder):
        return {
            **{"kind": "transcription", "title": order.title, "format": order.response_format, "sample_rate": 0},
            **{"titles": json.dumps([order.title or ""]), "params": json.dumps(order.listening), "voices": "{}"},
            "warnings": json.dumps(order.warnings),
        }
    voices = {"": order.reference, **order.cast}
    return {
        **{"title": order.title, "author": order.author, "cover": order.cover},
        **{"format": order.response_format, "sample_rate": order.sample_rate},
        "titles": json.dumps([chapter.title for chapter in order.chapters if chapter.script.has_words]),
        "params": json.dumps(order.params),
        "voices": json.dumps({name: reference_values(voice) for name, voice in voices.items()}),
        "warnings": json.dumps(order.warnings),
        "loudness": json.dumps(order.loudness),
    }


def order_of(part: sqlite3.Row, job: sqlite3.Row, heard: Iterable[str]) -> PartOrder | Listening:
    """Returns what a part needs.

    Args:
        part: Its row.
        job: Voices and parameters of its job.
        heard: Transcripts of the recording so far, as JSON: their language is that of the part.
    """
    params = json.loads(job["params"])
    if part["recorded"] is None:
        reference = read_reference(json.loads(job["voices"])[part["voice"] or ""])
        return PartOrder(part["text"], reference, params, part["seed"], part["speed"])
    listening: Listening = params
    blocks = map(TRANSCRIPT.validate_json, heard)
    language = next((block.language for block in blocks if block.language_probability), None)
    return {**listening, "language": language} if language else listening


def joined_transcript(blocks: Iterable[str]) -> Transcript:
    """Returns the transcript of a recording from those of its blocks, as JSON."""
    return reduce(Transcript.followed_by, map(TRANSCRIPT.validate_json, blocks))


def reference_values(reference: Reference) -> dict[str, Any]:
    """Returns a reference as JSON."""
    return {"codes": reference.codes.tolist(), "text": reference.text}


def read_reference(written: Mapping[str, Any]) -> Reference:
    """Reads what `reference_values` returns."""
    return Reference(np.array(written["codes"], np.int32), written["text"])
