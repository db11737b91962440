"""Makes an audiobook of 100 000 characters from an EPUB by one command, and measures it: `… audiobook VERSES FOLDER`.

The text is public domain, from the Debian packages bible-kjv and bible-kjv-text:

    for verses in mark1:1-mark16:20 luke1:1-luke4:44; do bible -f $verses; done > verses.txt

Starts a service with the profile nano, runs `llasa-serve book`, and reads its files as a player would. With a judge, an
independent Whisper transcribes ten random minutes, which are compared with the captions of these minutes: wrong words
and captions at the wrong time count alike. Resemblyzer measures how alike the parts are, where it is installed.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import av
import numpy as np

from deployments.audio.meter import Loudness
from deployments.jobs.sound import read
from deployments.jobs.subtitles import Cue, read_subtitles
from deployments.text.wer import tokens
from deployments.whisper.transcriber import WhisperTranscriber
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform
from scripts.bench.epub import epub, read_verses
from scripts.bench.manner import BookParts, resemblyzer
from scripts.bench.server import running
from scripts.bench.table import table
from scripts.chaos.processes import Processes, serving

_SAMPLE_S: Final = 10.0
_MINUTE: Final = 60.0
_TARGET: Final = -23.0
"""LUFS of EBU R 128."""


@contextmanager
def watched(port: int) -> Iterator[list[tuple[float, float]]]:
    """Samples resident MB and CPU seconds of all processes of the service on a port while the context lasts."""
    found: list[tuple[float, float]] = []
    done = threading.Event()
    processes = Processes(serving(port))

    def sample() -> None:
        while not done.wait(_SAMPLE_S):
            found.append((processes.rss_mb(), processes.cpu_seconds()))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()


@dataclass(frozen=True)
class Audiobook:
    """The files that the command wrote."""

    path: Path

    def chapters(self) -> list[str]:
        """Returns the titles in the file."""
        with av.open(str(self.path)) as file:
            return [str(chapter["metadata"]["title"]) for chapter in file.chapters()]

    def has_cover(self) -> bool:
        """Returns whether the file has a picture."""
        with av.open(str(self.path)) as file:
            return len(file.streams.video) == 1

    def wav(self) -> Waveform:
        """Returns [samples] at 16 kHz."""
        return np.concatenate([*read(self.path)])

    def cues(self) -> tuple[Cue, ...]:
        """Returns its captions."""
        return read_subtitles(self.path.with_suffix(".srt").read_text(encoding="utf-8"))


async def word_error(
    wav: Waveform, cues: tuple[Cue, ...], judge: Path, minutes: int, seed: int
) -> tuple[float, list[float]]:
    """Returns the word error of random minutes together, and of each."""
    from rapidfuzz.distance import Levenshtein

    whisper = WhisperTranscriber.load(str(judge), cpu_threads=1)
    rng = random.Random(seed)  # noqa: S311 - no secret
    wrong, words = [], []
    for _ in range(minutes):
        start = rng.uniform(0, len(wav) / SAMPLE_RATE - _MINUTE)
        own = [cue for cue in cues if start <= cue.start and cue.end <= start + _MINUTE]
        cut = wav[round(own[0].start * SAMPLE_RATE) : round(own[-1].end * SAMPLE_RATE)]
        heard = tokens((await whisper.transcribe(np.pad(cut, 4000), language="en")).text)
        wanted = tokens(" ".join(cue.text for cue in own))
        wrong.append(Levenshtein.distance(wanted, heard))
        words.append(len(wanted))
    whisper.close()
    return sum(wrong) / sum(words), [one / other for one, other in zip(wrong, words, strict=True)]


def measure(given: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Yields the rows of the table."""
    given.folder.mkdir(parents=True, exist_ok=True)
    chapters = read_verses(given.verses.read_text(encoding="utf-8"), given.characters)
    document = given.folder / "book.epub"
    document.write_bytes(epub("The Gospels", "King James Version", chapters))
    book = Audiobook(given.folder / "book.m4b")
    command = [sys.executable, "-m", "cli", "book", str(document), "-o", str(book.path), "--captions", "srt"]
    command += ["--keep-job"]  # its parts are measured
    environment = {"PROFILE": "nano", "JOBS_DIR": str(given.folder / "jobs")}
    if not given.measure_only:
        with running("cli", "serve", environment=environment) as url, watched(urlsplit(url).port or 0) as samples:
            began = time.perf_counter()
            subprocess.run([*command, "--loudness", "ebu", "--url", url], check=True)
            took = time.perf_counter() - began
        (given.folder / "run.json").write_text(json.dumps({"took": took, "samples": samples}))
    run = json.loads((given.folder / "run.json").read_text())
    took, (memory, cpu) = run["took"], zip(*run["samples"], strict=True)
    wav, cues = book.wav(), book.cues()
    seconds, titles = len(wav) / SAMPLE_RATE, book.chapters()
    loudness = Loudness.of([wav])
    yield "characters", str(sum(len(text) for _, paragraphs in chapters for text in paragraphs))
    yield "hours of audio", f"{seconds / 3600:.2f}"
    yield "minutes until both files were there", f"{took / 60:.1f}"
    yield "real-time factor", f"{took / seconds:.3f}"
    yield "CPU seconds a second of audio", f"{(cpu[-1] - cpu[0]) / seconds:.3f}"
    yield "chapters as in the EPUB", f"{len(titles)} of {len(chapters)}" if titles == [t for t, _ in chapters] else "NO"
    yield "cover", "yes" if book.has_cover() else "NO"
    yield "captions; the last one ends before the audio by", f"{len(cues)}; {seconds - cues[-1].end:.2f} s"
    yield "LUFS, from the target", f"{loudness.integrated:.2f}, {loudness.integrated - _TARGET:+.2f}"
    yield "true peak dBTP", f"{loudness.true_peak:.2f}"
    yield from _memory(memory)
    yield from BookParts.of(wav, given.folder / "jobs").rows(given.likeness)
    if given.judge:
        error, each = asyncio.run(word_error(wav, cues, given.judge, given.minutes, given.seed))
        yield f"word error of {given.minutes} random minutes", f"{error:.3f}"
        yield "of each of them", " ".join(f"{one:.2f}" for one in sorted(each))


def _memory(samples: Sequence[float]) -> Iterator[tuple[str, str]]:
    """Yields the memory by fifths of the time."""
    if len(samples) >= 5:
        fifths = [float(np.median(part)) for part in np.array_split(np.array(samples), 5)]
        yield "MB of all processes, median of each fifth", " ".join(f"{mb:.0f}" for mb in fifths)
        yield "last fifth against the second", f"{fifths[-1] / fifths[1]:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench.audiobook", description=__doc__)
    parser.add_argument("verses", type=Path, help="what `bible -f` prints")
    parser.add_argument("folder", type=Path, help="of the EPUB, the audiobook and the job")
    parser.add_argument("--characters", type=int, default=100_000)
    parser.add_argument("--judge", type=Path, help="a Whisper checkpoint in CTranslate2's format")
    parser.add_argument("--likeness", type=Path, default=resemblyzer(), help="Resemblyzer's weights")
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the random minutes")
    parser.add_argument("--measure-only", action="store_true", help="the files are in the folder already")
    print(table(("audiobook", "found"), [*measure(parser.parse_args())]))


if __name__ == "__main__":
    main()
