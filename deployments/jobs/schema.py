"""The tables of the journal, and its longer queries."""

import sqlite3
from typing import Final

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, state TEXT NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL,
    title TEXT, author TEXT, cover BLOB, format TEXT NOT NULL, sample_rate INTEGER NOT NULL, titles TEXT NOT NULL,
    params TEXT NOT NULL, voices TEXT NOT NULL, warnings TEXT NOT NULL, error TEXT,
    loudness TEXT NOT NULL DEFAULT 'null', kind TEXT NOT NULL DEFAULT 'speech'
);
CREATE TABLE IF NOT EXISTS parts (
    job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE, position INTEGER NOT NULL, chapter INTEGER NOT NULL,
    text TEXT NOT NULL, voice TEXT, speed REAL NOT NULL, before REAL NOT NULL, pause REAL NOT NULL,
    seed INTEGER NOT NULL, key TEXT NOT NULL, seconds REAL, took REAL, error TEXT,
    written TEXT NOT NULL DEFAULT '', slot_start REAL, slot_end REAL, recorded REAL,
    transcript TEXT, drift TEXT, PRIMARY KEY (job, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS takes (
    job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE, position INTEGER NOT NULL, number INTEGER NOT NULL,
    key TEXT NOT NULL, seed INTEGER NOT NULL, seconds REAL NOT NULL, prosody TEXT NOT NULL,
    PRIMARY KEY (job, position, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS takes_by_key ON takes (key, job);
CREATE VIEW IF NOT EXISTS audio AS
    SELECT job, key, seconds FROM parts UNION ALL SELECT job, key, seconds FROM takes;
CREATE INDEX IF NOT EXISTS parts_by_key ON parts (key, job);
CREATE INDEX IF NOT EXISTS parts_to_speak ON parts (job, position) WHERE seconds IS NULL AND error IS NULL;
CREATE TABLE IF NOT EXISTS events (
    job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE, number INTEGER NOT NULL, type TEXT NOT NULL,
    data TEXT NOT NULL, PRIMARY KEY (job, number)
) WITHOUT ROWID;
"""
_ADDED: Final = {
    "jobs": {"loudness": "TEXT NOT NULL DEFAULT 'null'", "kind": "TEXT NOT NULL DEFAULT 'speech'"},
    "parts": {
        **{"written": "TEXT NOT NULL DEFAULT ''", "slot_start": "REAL", "slot_end": "REAL"},
        **{"recorded": "REAL", "transcript": "TEXT", "drift": "TEXT"},
    },
}
"""Columns that journals of earlier versions lack."""

SUMS: Final = """
SELECT jobs.*, count(*) AS parts, count(seconds) AS parts_done, count(parts.error) AS parts_failed,
    count(drift) AS parts_drifted, min(iif(drift IS NULL, NULL, position)), text AS drifted_text, drift,
    (SELECT count(*) FROM takes WHERE takes.job = jobs.id AND number = 1) AS parts_retaken,
    sum(length(text)) AS characters, total(iif(seconds IS NULL, 0, length(text))) AS characters_done,
    total(seconds + before + pause) AS duration, total(took) AS took,
    sum(ifnull(recorded, length(text))) AS work,
    total(iif(seconds IS NULL, 0, ifnull(recorded, length(text)))) AS work_done,
    total(iif(took IS NULL, 0, ifnull(recorded, length(text)))) AS work_timed
FROM jobs JOIN parts ON parts.job = jobs.id WHERE owner = ?
"""
RECORDED: Final = """
SELECT chapter, key, seconds, before, pause, written, slot_start, slot_end FROM parts WHERE job = ?
"""
HEARD: Final = "SELECT transcript FROM parts WHERE job = ? AND transcript IS NOT NULL ORDER BY position"


def prepare(db: sqlite3.Connection) -> None:
    """Creates the tables, and adds what an earlier version did not have."""
    db.executescript(_TABLES)
    for table, columns in _ADDED.items():
        known = {row["name"] for row in db.execute(f"PRAGMA table_info({table})")}
        for name, kind in columns.items():
            if name not in known:
                db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
