"""Copies of what was spoken."""

import os
import time
from pathlib import Path

from deployments.speech.outputs import Outputs


def aged(path: Path, days: float) -> Path:
    then = time.time() - days * 86_400
    os.utime(path, (then, then))
    return path


def test_no_copy_ever_takes_the_place_of_another(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path / "made" / "on demand")
    kept = {outputs.keep(bytes([n]), ".wav") for n in range(100)}
    assert len(kept) == 100
    assert {path.read_bytes() for path in kept} == {bytes([n]) for n in range(100)}


def test_copies_are_deleted_when_they_are_too_old_and_nothing_else_is(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path, days=2)
    old, young = aged(outputs.keep(b"", ".wav"), 3), aged(outputs.keep(b"", ".wav"), 1)
    foreign = tmp_path / "thesis.wav"
    foreign.touch()
    aged(foreign, 1000)
    outputs.keep(b"", ".wav")
    assert not old.exists()
    assert young.exists()
    assert foreign.exists()


def test_without_a_bound_copies_stay(tmp_path: Path) -> None:
    old = aged(Outputs(tmp_path).keep(b"", ".mp3"), 10_000)
    Outputs(tmp_path).keep(b"", ".mp3")
    assert old.exists()
