"""The takes of parts in the journal: what drifts is spoken again, and the best take is kept.

A part is compared with the first takes of the first parts of its voice, once they are all there. So it does not matter
in which order parts are finished, or whether the service is killed meanwhile: the same takes are made and kept.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from pydantic import TypeAdapter

from deployments.audio.prosody import Prosody
from deployments.jobs.drift import MOST, SEARCHED, Manner, first, gain, retake
from deployments.jobs.records import Recorded

_PROSODY: Final = TypeAdapter(Prosody)


@dataclass(frozen=True, slots=True)
class Retake:
    """A part that is spoken again."""

    part: int
    """From 1, as the chapter."""
    chapter: int
    reason: str


_ADD: Final = """
INSERT INTO takes SELECT job, position, (SELECT count(*) FROM takes WHERE job = own.job AND position = own.position),
    key, seed, seconds, ? FROM parts AS own WHERE job = ? AND position = ?
"""


def review(db: sqlite3.Connection, job: str, positions: Iterable[int], prosody: Prosody | None) -> Iterator[Retake]:
    """Keeps the best takes of the parts of a job, and yields the parts that are to be spoken again.

    Args:
        db: The journal.
        job: The job.
        positions: Parts that have ended just now: spoken with the same text in the same voice, or failed.
        prosody: How they sound, if they were spoken.
    """
    positions = [*positions]
    if prosody:
        db.executemany(_ADD, [(_PROSODY.dump_json(prosody).decode(), job, position) for position in positions])
    params = json.loads(db.execute("SELECT params FROM jobs WHERE id = ?", (job,)).fetchone()["params"])
    most = MOST if params.get("temperature") != 0 else 1  # without chance, every take is the same
    query = "SELECT voice FROM parts WHERE job = ? AND position = ?"
    ended = {position: db.execute(query, (job, position)).fetchone()["voice"] for position in positions}
    for voice in {*ended.values()}:
        compared = _first(db, job, "voice IS ?", voice)
        if (manner := _manner(db, job, compared)) is None:
            continue
        own = [position for position, name in ended.items() if name == voice]
        if {*own} & {*compared}:
            query = "SELECT position FROM parts WHERE job = ? AND voice IS ? ORDER BY position"
            own = [row["position"] for row in db.execute(query, (job, voice)).fetchall()]
        for position in own:
            yield from _reviewed(db, job, position, manner, most)


def evened(db: sqlite3.Connection, job: str, parts: Iterable[Recorded]) -> Iterator[Recorded]:
    """Yields parts of a job with the gains that bring them to the level of the job's first parts."""
    levels = [prosody.level for prosody in _first_takes(db, job, _first(db, job, "recorded IS ?", None))]
    rows = db.execute("SELECT key, prosody FROM takes WHERE job = ?", (job,))
    prosodies = {row["key"]: _PROSODY.validate_json(row["prosody"]) for row in rows}
    for part in parts:
        yield replace(part, gain=gain(prosodies.get(part.key), levels))


def _reviewed(db: sqlite3.Connection, job: str, position: int, manner: Manner, most: int) -> Iterator[Retake]:
    query = "SELECT * FROM parts WHERE job = ? AND position = ? AND (seconds IS NOT NULL OR error IS NOT NULL)"
    part = db.execute(query, (job, position)).fetchone()
    query = "SELECT * FROM takes WHERE job = ? AND position = ? ORDER BY number"
    takes = db.execute(query, (job, position)).fetchall()
    if part is None or not takes:
        return
    best, drift = manner.best([_PROSODY.validate_json(take["prosody"]) for take in takes])
    if drift.excess > 1 and len(takes) < most and part["error"] is None:
        again = retake(takes[0]["key"], takes[0]["seed"], len(takes))
        change = "UPDATE parts SET key = ?, seed = ?, seconds = NULL, took = NULL WHERE job = ? AND position = ?"
        db.execute(change, (*again, job, position))
        yield Retake(position + 1, part["chapter"], drift.reason)
        return
    # A further take that could not be spoken costs nothing but itself.
    change = "UPDATE parts SET key = ?, seed = ?, seconds = ?, drift = ?, error = NULL WHERE job = ? AND position = ?"
    kept = takes[best]["key"], takes[best]["seed"], takes[best]["seconds"]
    db.execute(change, (*kept, drift.reason if drift.excess > 1 else None, job, position))


def _first(db: sqlite3.Connection, job: str, condition: str, value: str | None) -> list[int]:
    """Returns the positions of the first parts that meet a condition and are long enough."""
    query = f"SELECT position, text, speed FROM parts WHERE job = ? AND {condition} ORDER BY position LIMIT ?"  # noqa: S608
    rows = db.execute(query, (job, value, SEARCHED)).fetchall()
    return [rows[n]["position"] for n in first((row["text"], row["speed"]) for row in rows)]


def _manner(db: sqlite3.Connection, job: str, compared: list[int]) -> Manner | None:
    """Returns the manner of these parts; None if one of them is not spoken yet, or they are too few."""
    query = f"""
        SELECT 1 FROM parts AS own WHERE job = ? AND position IN ({", ".join("?" * len(compared))}) AND error IS NULL
        AND NOT EXISTS (SELECT 1 FROM takes WHERE job = own.job AND position = own.position)
    """  # noqa: S608
    if db.execute(query, (job, *compared)).fetchone():
        return None
    return Manner.of(_first_takes(db, job, compared))


def _first_takes(db: sqlite3.Connection, job: str, positions: list[int]) -> list[Prosody]:
    query = "SELECT prosody FROM takes WHERE job = ? AND number = 0 AND position = ?"
    rows = [db.execute(query, (job, position)).fetchone() for position in positions]
    return [_PROSODY.validate_json(row["prosody"]) for row in rows if row]
