import hashlib
import json
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from deployments.errors import Conflict, InvalidInput
from deployments.voices.names import check_name, voice_id
from deployments.voices.reference import Reference
from deployments.voices.store import StoredVoice, Voice, VoiceStore
from tests.support.watcher import Watcher

CLIP = np.linspace(-1, 1, 16_000, dtype=np.float32)


def stored(name: str, number: int = 0, codes: int = 50) -> StoredVoice:
    voice = Voice(voice_id(name), name, 1_700_000_000 + number, "What it says.", 1.0, "my own", "codec")
    return StoredVoice(voice, Reference(np.arange(codes, dtype=np.int32) + number, voice.ref_text))


@pytest.fixture
def store(tmp_path: Path) -> VoiceStore:
    return VoiceStore(tmp_path / "voices", 1_000_000, 500)


def same(one: StoredVoice | None, other: StoredVoice) -> bool:
    if one is None or one.voice != other.voice or one.reference.warnings != other.reference.warnings:
        return False
    return bool((one.reference.codes == other.reference.codes).all())


def test_a_voice_outlives_the_store_and_is_seen_by_others(store: VoiceStore, tmp_path: Path) -> None:
    store.add(stored("narrator"), CLIP)
    other = VoiceStore(tmp_path / "voices", 1_000_000, 500)
    for key in ("narrator", voice_id("narrator")):
        assert same(other.read(key), stored("narrator"))
    assert other.list() == [stored("narrator").voice]
    np.testing.assert_allclose(other.clip(stored("narrator")), CLIP, atol=1e-4)
    assert other.remove("narrator")
    assert store.read("narrator") is None
    assert not store.remove("narrator")


def test_what_is_wrong_with_a_reference_stays_with_its_voice(store: VoiceStore) -> None:
    plain = stored("narrator")
    warnings = ("The reference is clipped.", "The reference is noisy.")
    noisy = StoredVoice(replace(plain.voice, warnings=warnings), replace(plain.reference, warnings=warnings))
    store.add(noisy, CLIP)
    assert same(store.read("narrator"), noisy)
    assert store.list() == [noisy.voice]
    assert store.rename(noisy, "storyteller").warnings == warnings


def test_a_voice_that_was_stored_without_warnings_has_none(store: VoiceStore, tmp_path: Path) -> None:
    voice = stored("narrator")
    known = asdict(voice.voice)
    del known["warnings"]
    file = save({"codes": voice.reference.codes, "clip": np.zeros(8, np.int16)}, {"voice": json.dumps(known)})
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / f"{voice.voice.id}.safetensors").write_bytes(file)
    assert same(store.read("narrator"), voice)
    assert store.list() == [voice.voice]


def test_what_another_replica_replaces_is_read_anew(store: VoiceStore, tmp_path: Path) -> None:
    store.add(stored("narrator"), CLIP)
    assert same(store.read("narrator"), stored("narrator"))
    VoiceStore(tmp_path / "voices", 0, 500).replace(stored("narrator", 7))
    assert same(store.read("narrator"), stored("narrator", 7))


def test_a_watch_is_told_which_voices_had_to_be_read(tmp_path: Path) -> None:
    watcher = Watcher()
    store = VoiceStore(tmp_path, 1_000_000, 500, watcher)
    store.add(stored("narrator"), CLIP)
    for key in ("narrator", voice_id("narrator"), "nobody"):
        store.read(key)
    store.replace(stored("narrator", 7))
    store.read("narrator")
    assert watcher.looked == [False, True, False]
    assert watcher.size == store.cached_bytes > 0


def test_there_is_one_voice_of_a_name_and_a_bound_on_all(tmp_path: Path) -> None:
    store = VoiceStore(tmp_path, 1_000_000, 2)
    store.add(stored("a"), CLIP)
    with pytest.raises(Conflict, match="There is a voice 'a' already"):
        store.add(stored("a", 1), CLIP)
    assert same(store.read("a"), stored("a"))
    store.add(stored("b"), CLIP)
    with pytest.raises(Conflict, match="2 voices are stored"):
        store.add(stored("c"), CLIP)


def test_voices_are_listed_the_newest_last(store: VoiceStore) -> None:
    for number, name in enumerate(["zoe", "adam", "mia"]):
        store.add(stored(name, number), CLIP)
    assert [voice.name for voice in store.list()] == ["zoe", "adam", "mia"]


def test_nothing_half_written_is_ever_seen(store: VoiceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.add(stored("a"), CLIP)
    assert store.list() == []
    assert list((tmp_path / "voices").iterdir()) == []


def test_a_file_that_is_no_voice_is_left_out_of_the_list_and_named_when_used(store: VoiceStore, tmp_path: Path) -> None:
    store.add(stored("good"), CLIP)
    for name, content in {"empty": b"", "junk": b"junk" * 100}.items():
        (tmp_path / "voices" / f"{voice_id(name)}.safetensors").write_bytes(content)
    assert [voice.name for voice in store.list()] == ["good"]
    for name in ("empty", "junk"):
        with pytest.raises(InvalidInput, match="cannot be read"):
            store.read(name)


def test_an_empty_folder_that_is_not_there_holds_no_voices(store: VoiceStore) -> None:
    assert store.list() == []
    assert store.read("a") is None
    assert not store.remove("a")


@pytest.mark.parametrize(
    "name",
    [
        *("narrator", "Märchenerzähler", "声", "👩‍🚀 reader", "a.b", "con", "x" * 100),
        *("👩‍🚀", "\U0001fae8", "!", "می\u200cخوانم"),  # the second emoji is newer than Python's tables
    ],
)
def test_any_other_name_is_kept_in_a_file_of_the_folder(store: VoiceStore, tmp_path: Path, name: str) -> None:
    assert check_name(f" {name} ") == name
    store.add(stored(name), CLIP)
    (path,) = (tmp_path / "voices").iterdir()
    assert path.name.isascii()
    found = store.read(name)
    assert found
    assert found.voice.name == name


@pytest.mark.parametrize("key", ["../x", "../../etc/passwd", "\0", "voice_../x", "\ud800", "x" * 5000])
def test_no_key_leads_out_of_the_folder(store: VoiceStore, tmp_path: Path, key: str) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"secret")
    assert store.read(key) is None
    assert not store.remove(key)
    assert (tmp_path / "x.safetensors").exists()


@pytest.mark.parametrize(
    ("name", "other"),
    [("é", "e\u0301"), ("fa-sp", "fa-sp "), ("fa-sp", "\n\u3000fa-sp\t"), ("a b", "a  b"), ("a b", "a\u00a0\nb")],
)
def test_names_that_look_alike_are_one(store: VoiceStore, name: str, other: str) -> None:
    assert check_name(other) == check_name(name) == name
    assert voice_id(other) == voice_id(name)
    store.add(stored(name), CLIP)
    assert same(store.read(other), stored(name))
    assert same(store.read(f" {voice_id(name)}\n"), stored(name))
    assert store.remove(other)


@pytest.mark.parametrize("name", ["a  b", "a\u00a0b"])
def test_a_voice_that_an_older_version_stored_with_its_spaces_is_still_found(
    store: VoiceStore, tmp_path: Path, name: str
) -> None:
    digest = hashlib.sha256(name.encode()).hexdigest()[:24]
    older = stored(name)
    older = replace(older, voice=replace(older.voice, id=f"voice_{digest}"))
    store.add(older, CLIP)
    assert [path.stem for path in (tmp_path / "voices").iterdir()] == [older.voice.id]
    assert same(store.read(name), older)
    assert same(store.read(f" {name} "), older)
    assert same(store.read(older.voice.id), older)
    assert store.rename(older, check_name(name)) == stored("a b").voice
    assert store.remove(name)
    assert store.list() == []


def test_ten_thousand_uses_of_three_hundred_voices_stay_within_the_bound(tmp_path: Path) -> None:
    store = VoiceStore(tmp_path, 200_000, 500)
    for number in range(300):
        store.add(stored(f"voice {number}", number, codes=750), CLIP[:320])
    chance = np.random.default_rng(0)
    of_the_store = tracemalloc.Filter(True, "*/voices/store.py")
    tracemalloc.start()
    try:
        for _ in range(10_000):
            number = int(chance.integers(300))
            assert same(store.read(f"voice {number}"), stored(f"voice {number}", number, codes=750))
            assert store.cached_bytes <= 200_000
        traces = tracemalloc.take_snapshot().filter_traces([of_the_store]).statistics("filename")
    finally:
        tracemalloc.stop()
    assert store.cached_bytes > 150_000
    assert 150_000 < sum(trace.size for trace in traces) < 300_000


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Counts the files that are opened."""
    import safetensors

    count = 0
    opened = safetensors.safe_open

    def counting(*args: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        return opened(*args, **options)

    monkeypatch.setattr(safetensors, "safe_open", counting)
    return lambda: count


def test_a_voice_in_use_is_read_once(store: VoiceStore, reads: Callable[[], int]) -> None:
    store.add(stored("a"), CLIP)
    for _ in range(5):
        store.read("a")
    assert reads() == 1
