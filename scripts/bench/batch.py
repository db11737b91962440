"""Speaks a document with `llasa-serve batch` on one and on two replicas: equal files, and the ratio of their times.

Each run has a Ray and a folder of its own. The time is that which the command prints for its parts, with the start of
its replicas.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from scripts.bench.neighbours import neighbours
from scripts.bench.table import table
from scripts.train_nano.sentences import Sentences

_SPOKEN: Final = re.compile(r"(\d+) parts spoken in ([\d.]+) s")
_PARAGRAPH: Final = 3
"""Sentences."""


def document(paragraphs: int, seed: int = 0) -> str:
    """Returns a text of paragraphs, each of which is a part."""
    sentences = Sentences(seed)
    return "\n\n".join(
        " ".join(sentences.sentence().capitalize() for _ in range(_PARAGRAPH)) for _ in range(paragraphs)
    )


def speak(text: Path, folder: Path, replicas: int) -> tuple[int, float]:
    """Returns the number of parts, and the seconds in which they were spoken."""
    command = [sys.executable, "-m", "cli", "batch", str(text), "-o", str(folder), "--replicas", str(replicas)]
    environment = os.environ | {"PROFILE": "nano", "RAY_AUTH_MODE": "disabled"}
    result = subprocess.run(
        [*command, "--format", "flac"], env=environment, stderr=subprocess.PIPE, text=True, check=False
    )
    found = _SPOKEN.search(result.stderr)
    if result.returncode or not found:
        raise RuntimeError(result.stderr)
    return int(found[1]), float(found[2])


def files(folder: Path) -> dict[str, bytes]:
    """Returns all files of a folder by their names."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench.batch", description=__doc__)
    parser.add_argument("--paragraphs", type=int, default=100)
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    rows, made = [], []
    with tempfile.TemporaryDirectory() as name:
        text = Path(name) / "document.txt"
        text.write_text(document(given.paragraphs), encoding="utf-8")
        baseline = None
        for replicas in given.replicas:
            folder = Path(name) / str(replicas)
            with neighbours() as busy:
                parts, seconds = speak(text, folder, replicas)
            baseline = baseline or seconds
            made.append(files(folder))
            equal = "yes" if made[-1] == made[0] else "NO"
            rows.append(
                (f"{replicas}", f"{parts}", f"{seconds:.1f}", f"{baseline / seconds:.2f}", equal, f"{busy.others:.2f}")
            )
    print(table(("replicas", "parts", "s", "x the first", "equal files", "others' cores"), rows))


if __name__ == "__main__":
    main()
