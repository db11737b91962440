"""Copies of what was spoken."""

import os
import time
from pathlib import Path

from deployments.service.outputs import Outputs


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


def test_a_copy_is_read_by_its_name(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path)
    assert outputs.read(outputs.keep(b"speech", ".wav").name) == b"speech"


def test_no_other_file_is_read(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path / "outputs")
    name = outputs.keep(b"", ".wav").name
    (tmp_path / "outputs" / "thesis.wav").touch()
    (tmp_path / name).write_bytes(b"secret")
    for other in (
        "thesis.wav",
        f"../{name}",
        f"{tmp_path}/{name}",
        f"x/../../{name}",
        f"{name}\n",
        f"{name}\0",
        "",
        ".",
    ):
        assert outputs.read(other) is None
    (tmp_path / "outputs" / name).unlink()
    assert outputs.read(name) is None
