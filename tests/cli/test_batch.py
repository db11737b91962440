"""`llasa-serve batch` with the models that ship, on a Ray of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.documents import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
STORY = "# One\n\nThe fox ran.\n\nIt was 3 km.\n\n# Two\n\nThe dog slept. [voice:echo] It snored."
FILM = "1\n00:00:01,000 --> 00:00:03,000\nGood morning.\n\n2\n00:00:04,000 --> 00:00:06,000\nGood night.\n"
RUNS = """
import json, sys
from cli.__main__ import main
sys.exit(any([main(each) for each in json.loads(sys.argv[1])]))
"""
"""Several commands on one Ray."""


def run(folder: Path, *commands: Sequence[str]) -> list[str]:
    """Runs commands; returns their lines about the parts."""
    environment = os.environ | {"VOICES_DIR": str(folder / "voices"), "PROFILE": "nano", "RAY_AUTH_MODE": "disabled"}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    environment.pop("RAY_ADDRESS", None)
    program = [sys.executable, "-c", RUNS, json.dumps([[*map(str, command)] for command in commands])]
    result = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert result.returncode == 0, result.stderr
    return [line for line in result.stderr.splitlines() if "parts spoken in" in line]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_two_replicas_make_what_one_makes_and_a_second_run_makes_what_has_changed(tmp_path: Path) -> None:
    story, edited, film = tmp_path / "story.md", tmp_path / "edited" / "story.md", tmp_path / "film.srt"
    edited.parent.mkdir()
    story.write_text(STORY)
    edited.write_text(STORY.replace("ran", "slept"))
    film.write_text(FILM)
    one, two, options = tmp_path / "one", tmp_path / "two", ["--format", "flac", "--captions", "srt"]
    lines = run(
        tmp_path,
        ["batch", str(story), str(film), "-o", str(one), "--replicas", "1", *options],
        ["batch", str(story), str(film), "-o", str(two), "--replicas", "2", *options],
        ["batch", str(edited), "-o", str(tmp_path / "two"), *options],
    )
    assert [line.partition(" ")[0] for line in lines] == ["8", "8", "1"]
    first, second = files(one), files(two)
    assert {"story.flac", "story.srt", "film.flac", "film.srt"} <= first.keys()
    parts = {name for name in first if name.startswith("parts")}
    assert len(parts) == len({first[name] for name in parts}) == 8
    assert {name: second[name] for name in [*parts, "film.flac", "film.srt"]} == {
        name: first[name] for name in [*parts, "film.flac", "film.srt"]
    }
