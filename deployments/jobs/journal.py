"""The journal of jobs: a SQLite database that one process at a time may open."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from deployments.audio.prosody import Prosody
from deployments.errors import InvalidText, Overloaded
from deployments.jobs import takes
from deployments.jobs.order import JobOrder
from deployments.jobs.plan import Part, renewed
from deployments.jobs.protocol import Job, JobEvent, State
from deployments.jobs.recordings import TranscriptionOrder
from deployments.jobs.records import (
    TRANSCRIPT,
    Book,
    Recorded,
    Spoken,
    Waiting,
    failure,
    job_of,
    job_values,
    joined_chapters,
    joined_transcript,
    missing,
    order_of,
)
from deployments.jobs.schema import HEARD, RECORDED, SUMS, prepare
from deployments.jobs.timing import overruns
from deployments.whisper.protocol import Transcript

_RETRY_S: Final = 60


class Journal:
    """All jobs, their parts and events. Its methods block, and may be called from any thread.

    Args:
        path: The database.
        now: Returns the time in seconds since 1970.
        patience_s: Seconds to wait for another process to close it.

    Raises:
        sqlite3.OperationalError: another process has it open.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time, patience_s: float = 20) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._now = now
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, patience_s, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        # Exclusive: a process that is being replaced must have ended before the next one begins.
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._db.execute(f"PRAGMA {pragma}").fetchall()
        prepare(self._db)
        with self._changes() as db:
            db.execute("UPDATE jobs SET state = 'queued' WHERE state = 'running'")

    def close(self) -> None:
        """Closes the database."""
        with self._lock:
            self._db.close()

    def create(self, owner: str, order: JobOrder | TranscriptionOrder, parts: Iterable[Part], most: int) -> Job:
        """Stores a job with its parts.

        Raises:
            InvalidText: there are no parts.
            Overloaded: the owner has `most` unfinished jobs.
        """
        rows = [{"position": n, **asdict(part)} for n, part in enumerate(parts)]
        if not rows:
            raise InvalidText("The text holds no letter or digit: there is nothing to speak.", "input")
        id, now = f"job_{uuid4().hex[:24]}", self._now()
        with self._changes() as db:
            query = "SELECT count(*) FROM jobs WHERE owner = ? AND state IN ('queued', 'running', 'paused')"
            if db.execute(query, (owner,)).fetchone()[0] >= most:
                raise Overloaded(f"You have {most} unfinished jobs: wait for one, or delete one.", None, _RETRY_S)
            values = {
                **{"id": id, "owner": owner, "state": "queued", "created_at": now, "updated_at": now},
                **job_values(order),
            }
            db.execute(f"INSERT INTO jobs {_columns(values)}", values)
            db.executemany(f"INSERT INTO parts {_columns(('job', *rows[0]))}", [{"job": id, **row} for row in rows])
            self._event(id, "state", {"state": "queued"})
        return self.get(owner, id)

    def get(self, owner: str, id: str) -> Job:
        """Returns a job of this owner, with its chapters.

        Raises:
            NotFound: the owner has no such job.
        """
        with self._lock:
            row = self._db.execute(f"{SUMS} AND jobs.id = ? GROUP BY jobs.id", (owner, id)).fetchone()
            if row is None:
                raise missing(id)
            chapters = self._db.execute(
                "SELECT chapter, count(*) AS parts, count(seconds) AS parts_done, "
                "total(seconds + before + pause) AS duration FROM parts WHERE job = ? GROUP BY chapter "
                "ORDER BY chapter",
                (id,),
            ).fetchall()
            query = f"{RECORDED} AND slot_start IS NOT NULL AND seconds IS NOT NULL ORDER BY position"
            timed = [Recorded(*part) for part in self._db.execute(query, (id,))]
        return job_of(row, joined_chapters(json.loads(row["titles"]), chapters), overruns(timed))

    def jobs(self, owner: str) -> list[Job]:
        """Returns all jobs of an owner, the newest first."""
        query = f"{SUMS} GROUP BY jobs.id ORDER BY created_at DESC, jobs.rowid DESC"
        with self._lock:
            return [job_of(row) for row in self._db.execute(query, (owner,))]

    def change(self, id: str, state: State, allowed: Collection[State]) -> bool:
        """Sets the state of a job if it has one of some states, or this one already. Returns whether it has."""
        with self._changes() as db:
            row = db.execute("SELECT state FROM jobs WHERE id = ?", (id,)).fetchone()
            if row is None or row["state"] not in {*allowed, state}:
                return False
            self._change(id, state)
        return True

    def report(self, id: str, problem: str) -> None:
        """Notes what a job waits for."""
        with self._changes() as db:
            if db.execute("UPDATE jobs SET error = ? WHERE id = ?", (problem, id)).rowcount:
                self._event(id, "problem", {"message": problem})

    def delete(self, id: str) -> list[str]:
        """Deletes a job; returns the keys of parts that no other job has."""
        with self._changes() as db:
            query = "SELECT DISTINCT key FROM audio AS own WHERE job = ? AND NOT EXISTS (SELECT 1 FROM audio WHERE "
            keys = [row["key"] for row in db.execute(f"{query}key = own.key AND job <> own.job)", (id,))]
            db.execute("DELETE FROM jobs WHERE id = ?", (id,))
        return keys

    def expired(self, seconds: float) -> list[str]:
        """Returns the jobs that will not go on by themselves, and have not changed for so long."""
        query = "SELECT id FROM jobs WHERE state IN ('done', 'failed', 'paused') AND updated_at < ?"
        with self._lock:
            return [row["id"] for row in self._db.execute(query, (self._now() - seconds,))]

    def keys(self) -> set[str]:
        """Returns the keys of all parts, and of their other takes."""
        with self._lock:
            return {row["key"] for row in self._db.execute("SELECT DISTINCT key FROM audio")}

    def stored(self, owner: str) -> tuple[list[str], set[str]]:
        """Returns the jobs of an owner, and the keys of their audio."""
        query = "SELECT DISTINCT key FROM audio JOIN jobs ON id = job WHERE owner = ? AND seconds IS NOT NULL"
        with self._lock:
            ids = [row["id"] for row in self._db.execute("SELECT id FROM jobs WHERE owner = ?", (owner,))]
            return ids, {row["key"] for row in self._db.execute(query, (owner,))}

    def next_part(self, busy: Collection[str], served: Mapping[str, float]) -> Waiting | None:
        """Returns the part to speak next: of the owner served longest ago, the next one of the oldest job.

        Args:
            busy: Keys of parts that are being spoken.
            served: When a part was last begun, by owner.
        """
        held = ", ".join("?" * len(busy))
        with self._changes() as db:
            query = "SELECT id, owner, kind FROM jobs WHERE state IN ('queued', 'running') ORDER BY rowid"
            for job in sorted(db.execute(query), key=lambda job: served.get(job["owner"], 0.0)):
                # The blocks of a recording are heard in order: the language is that of the first speech.
                query = f"SELECT 1 FROM parts WHERE job = ? AND key IN ({held})"  # noqa: S608
                if job["kind"] == "transcription" and db.execute(query, (job["id"], *busy)).fetchone():
                    continue
                query = "SELECT * FROM parts WHERE job = ? AND seconds IS NULL AND error IS NULL "
                query += f"AND key NOT IN ({held}) ORDER BY position LIMIT 1"
                if part := db.execute(query, (job["id"], *busy)).fetchone():
                    self._change(job["id"], "running")
                    said = db.execute("SELECT voices, params FROM jobs WHERE id = ?", (job["id"],)).fetchone()
                    heard = [row["transcript"] for row in db.execute(HEARD, (job["id"],))]
                    return Waiting(job["id"], job["owner"], part["key"], order_of(part, said, heard))
        return None

    def transcript(self, id: str) -> Transcript:
        """Returns the transcript of the blocks of a recording that are transcribed, of which there must be one."""
        with self._lock:
            rows = self._db.execute(HEARD, (id,)).fetchall()
        if not rows:
            raise missing(id)
        return joined_transcript(row["transcript"] for row in rows)

    def finish(self, job: str, key: str, spoken: Spoken) -> None:
        """Notes that a part has its audio, and ends the job after the last, unless parts are to be spoken again."""
        data = {"duration": spoken.seconds} | ({"warnings": [*spoken.warnings]} if spoken.warnings else {})
        self._finished(job, key, {"seconds": spoken.seconds, "took": spoken.took}, data, spoken.prosody)

    def heard(self, job: str, key: str, transcript: Transcript, took: float) -> None:
        """Stores the transcript of a block, and ends the job after the last."""
        values = {"seconds": transcript.duration, "took": took, "transcript": TRANSCRIPT.dump_json(transcript).decode()}
        self._finished(job, key, values, {"duration": transcript.duration, "text": transcript.text})

    def fail(self, job: str, key: str, error: str) -> None:
        """Notes that a part cannot be spoken."""
        self._finished(job, key, {"error": error}, {"error": error})

    def _finished(
        self, job: str, key: str, values: Mapping[str, Any], data: Mapping[str, Any], prosody: Prosody | None = None
    ) -> None:
        change = ", ".join(f"{column} = ?" for column in values)
        with self._changes() as db:
            parts = db.execute(
                f"UPDATE parts SET {change} WHERE job = ? AND key = ? RETURNING position, chapter",  # noqa: S608
                (*values.values(), job, key),
            ).fetchall()
            for position, chapter in sorted(tuple(part) for part in parts):
                self._event(job, "part", {"part": position + 1, "chapter": chapter, **data})
            if not parts:
                return  # the job was deleted
            for retake in [*takes.review(db, job, [part["position"] for part in parts], prosody)]:
                self._event(job, "retake", asdict(retake))
            db.execute("UPDATE jobs SET updated_at = ?, error = NULL WHERE id = ?", (self._now(), job))
            open_parts = "SELECT 1 FROM parts WHERE job = ? AND seconds IS NULL AND error IS NULL"
            if db.execute(open_parts, (job,)).fetchone():
                return
            query = "SELECT text, recorded, error FROM parts WHERE job = ? AND error IS NOT NULL ORDER BY position"
            if failed := db.execute(query, (job,)).fetchall():
                self._change(job, "failed", failure(failed))
            else:
                self._change(job, "done")

    def reopen(self, id: str) -> bool:
        """Queues a failed job again, with other seeds for the failed parts. Returns False if it has not failed."""
        with self._changes() as db:
            if not db.execute("SELECT 1 FROM jobs WHERE id = ? AND state = 'failed'", (id,)).fetchone():
                return False
            query = "SELECT position, seed, key FROM parts WHERE job = ? AND error IS NOT NULL AND recorded IS NULL"
            for position, seed, key in db.execute(query, (id,)).fetchall():
                db.execute(
                    "UPDATE parts SET seed = ?, key = ? WHERE job = ? AND position = ?",
                    ((seed + 1) % 2**32, renewed(key), id, position),
                )
            db.execute("UPDATE parts SET error = NULL WHERE job = ?", (id,))
            self._change(id, "queued")
        return True

    def events(self, id: str, after: int, most: int = 1000) -> tuple[JobEvent, ...]:
        """Returns the events after a number, at most so many."""
        query = "SELECT * FROM events WHERE job = ? AND number > ? ORDER BY number LIMIT ?"
        with self._lock:
            rows = self._db.execute(query, (id, after, most)).fetchall()
        return tuple(JobEvent(row["number"], row["type"], json.loads(row["data"])) for row in rows)

    def book(self, id: str) -> Book:
        """Returns what the file of a job needs."""
        with self._lock:
            row = self._db.execute("SELECT * FROM jobs WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise missing(id)
        titles = tuple(json.loads(row["titles"]))
        loudness = json.loads(row["loudness"])
        return Book(row["title"], row["author"], row["cover"], titles, row["format"], row["sample_rate"], loudness)

    def recorded(self, id: str, chapter: int | None = None) -> tuple[list[Recorded], bool]:
        """Returns the parts of a job or chapter in order, up to the first without audio, and whether there is none."""
        query = f"{RECORDED} AND ? IN (chapter, 0) ORDER BY position"
        with self._lock:
            rows = self._db.execute(query, (id, chapter or 0)).fetchall()
            spoken = [Recorded(*row) for row in takewhile(lambda row: row["seconds"] is not None, rows)]
            return [*takes.evened(self._db, id, spoken)], len(spoken) == len(rows)

    def _change(self, id: str, state: State, error: str | None = None) -> None:
        query = "UPDATE jobs SET state = ?, error = ?, updated_at = ? WHERE id = ? AND state <> ?"
        if self._db.execute(query, (state, error, self._now(), id, state)).rowcount:
            self._event(id, "state", {"state": state} | ({"error": error} if error else {}))

    def _event(self, id: str, type: str, data: Mapping[str, Any]) -> None:
        self._db.execute(
            "INSERT INTO events SELECT ?, 1 + ifnull(max(number), 0), ?, ? FROM events WHERE job = ?",
            (id, type, json.dumps(data), id),
        )

    @contextmanager
    def _changes(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _columns(names: Iterable[str]) -> str:
    return f"({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
