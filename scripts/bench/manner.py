"""Measures whether a book has one voice throughout: the spread of its parts, and their likeness."""

import importlib.util
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from deployments.audio.prosody import Prosody
from deployments.jobs.drift import SHORTEST
from deployments.jobs.journal import Journal
from deployments.jobs.sound import starts
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform
from scripts.judges import Likeness


def resemblyzer() -> Path | None:
    """Returns the weights of Resemblyzer, if it is installed."""
    found = importlib.util.find_spec("resemblyzer")
    return Path(found.origin).with_name("pretrained.pt") if found and found.origin else None


@dataclass(frozen=True)
class BookParts:
    """The parts of the only job in a folder, cut from its file."""

    wavs: list[Waveform]
    prosodies: list[Prosody]
    """As the file has them, but for the pace: as it was spoken."""
    retaken: int
    drifted: int

    @classmethod
    def of(cls, wav: Waveform, folder: Path) -> Self:
        """Cuts the file of a job.

        Args:
            wav: [samples] mono at 16 kHz.
            folder: JOBS_DIR of a service that has ended.
        """
        path = folder / "journal.sqlite"
        with closing(sqlite3.connect(path)) as db:
            [(job,)] = db.execute("SELECT id FROM jobs").fetchall()
            query = "SELECT takes.prosody FROM parts JOIN takes USING (job, position, key) ORDER BY position"
            paces = [json.loads(prosody)["pace"] for (prosody,) in db.execute(query)]
            [(retaken,)] = db.execute("SELECT count(*) FROM takes WHERE number = 1").fetchall()
            [(drifted,)] = db.execute("SELECT count(drift) FROM parts").fetchall()
        journal = Journal(path)
        cuts = [(start, start + part.seconds) for part, _, start in starts(journal.recorded(job)[0])]
        journal.close()
        wavs = [wav[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] for start, end in cuts]
        found = []
        for own, pace in zip(wavs, paces, strict=True):
            prosody = Prosody.of(own, 1)
            found.append(Prosody(prosody.level, prosody.peak, prosody.sound, pace, prosody.pitch, prosody.timbre))
        return cls(wavs, found, retaken, drifted)

    def rows(self, weights: Path | None) -> Iterator[tuple[str, str]]:
        """Yields the rows of a table; with Resemblyzer's weights, also the likeness of the parts."""
        yield "parts; spoken again; different nevertheless", f"{len(self.wavs)}; {self.retaken}; {self.drifted}"
        long = [part for part in self.prosodies if part.sound >= SHORTEST and part.pitch is not None]
        yield "level of the parts, dB from the median", _spread([part.level for part in long])
        yield "pace, logarithm from the median", _spread([part.pace for part in long])
        yield "pitch, semitones from the median", _spread([part.pitch or 0.0 for part in long])
        if weights:
            likeness = Likeness(weights)
            own = [wav for wav, part in zip(self.wavs, self.prosodies, strict=True) if part.sound >= SHORTEST]
            vectors = np.stack([likeness.of(wav) for wav in own])
            mean = vectors.mean(axis=0)
            alike = vectors @ (mean / np.linalg.norm(mean))
            yield "likeness of a part to the mean: median, least", f"{np.median(alike):.3f}, {alike.min():.3f}"


def _spread(values: list[float]) -> str:
    off = np.array(values) - np.median(values)
    low, high = np.percentile(off, [1, 99])
    return f"deviation {off.std():.2f}; 98 % within {low:+.2f} … {high:+.2f}; {off.min():+.2f} … {off.max():+.2f}"
