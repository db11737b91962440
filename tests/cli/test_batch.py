"""`llasa-serve batch`, on a Ray of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documents import ROOT

pytestmark = pytest.mark.cluster
STORY = "# One\n\nThe fox ran.\n\nIt was 3 km.\n\n# Two\n\nThe dog slept. [voice:echo] It snored."
FILM = "1\n00:00:01,000 --> 00:00:03,000\nGood morning.\n\n2\n00:00:04,000 --> 00:00:06,000\nGood night.\n"


def batch(output: Path, *documents: Path, replicas: int) -> str:
    environment = os.environ | {
        "VOICES_DIR": str(output.parent / "voices"),
        "PROFILE": "nano",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "RAY_AUTH_MODE": "disabled",
    }
    environment.pop("RAY_ADDRESS", None)
    command = [sys.executable, "-m", "cli", "batch", *map(str, documents), "--output", str(output)]
    result = subprocess.run(
        [*command, "--format", "flac", "--captions", "srt", "--replicas", str(replicas)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stderr


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_two_replicas_make_what_one_makes_and_a_second_run_makes_what_has_changed(tmp_path: Path) -> None:
    story, film = tmp_path / "story.md", tmp_path / "film.srt"
    story.write_text(STORY)
    film.write_text(FILM)
    assert "8 parts spoken in" in batch(tmp_path / "one", story, film, replicas=1)
    batch(tmp_path / "two", story, film, replicas=2)
    one, two = files(tmp_path / "one"), files(tmp_path / "two")
    assert {"story.flac", "story.srt", "film.flac", "film.srt"} <= one.keys()
    assert len(one) == 4 + 8
    assert one == two
    story.write_text(STORY.replace("ran", "slept"))
    assert "1 parts spoken in" in batch(tmp_path / "one", story, film, replicas=1)
