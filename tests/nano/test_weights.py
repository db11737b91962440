"""The checkpoints that ship with the service."""

import hashlib
import json
from pathlib import Path

import pytest

from deployments.errors import Unavailable
from deployments.nano.weights import FOLDER, NAMES, verified


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A folder as it ships, with one file of one checkpoint."""
    (tmp_path / "llasa").mkdir()
    (tmp_path / "llasa" / "config.json").write_text("{}")
    digest = hashlib.sha256(b"{}").hexdigest()
    (tmp_path / "checksums.json").write_text(json.dumps({"llasa/config.json": digest}))
    return tmp_path


@pytest.mark.parametrize("name", ["llasa", "xcodec2", "voices.json"])
def test_what_ships_is_what_was_sealed(name: str) -> None:
    assert verified(name) == FOLDER / name


def test_the_whisper_is_that_of_its_package() -> None:
    assert {"config.json", "model.bin", "tokenizer.json", "vocabulary.txt"} == {
        p.name for p in verified("whisper").iterdir()
    }


def test_another_release_of_the_package_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "checksums.json").write_text(json.dumps({"whisper/model.bin": hashlib.sha256(b"").hexdigest()}))
    with pytest.raises(Unavailable, match=r"model\.bin is not what was shipped: install"):
        verified("whisper", tmp_path)


def test_all_of_it_is_small_and_sealed() -> None:
    sums = json.loads((FOLDER / "checksums.json").read_text())
    files = [path for name in NAMES for path in (FOLDER / name).rglob("*") if path.is_file()]
    assert {str(path.relative_to(FOLDER)) for path in files} <= set(sums)
    assert sum(path.stat().st_size for path in files) <= 40_000_000


def test_a_changed_file_is_not_loaded(shipped: Path) -> None:
    assert verified("llasa", shipped) == shipped / "llasa"
    (shipped / "llasa" / "config.json").write_text("{ }")
    with pytest.raises(Unavailable, match=r"llasa/config\.json is not what was shipped: install"):
        verified("llasa", shipped)


def test_a_missing_file_is_told(shipped: Path) -> None:
    (shipped / "llasa" / "config.json").unlink()
    with pytest.raises(Unavailable, match=r"checkpoint llasa is incomplete: install.*config\.json"):
        verified("llasa", shipped)


def test_a_checkpoint_that_was_never_sealed_is_not_loaded(shipped: Path) -> None:
    with pytest.raises(Unavailable, match="names no file of whisper"):
        verified("whisper", shipped)
