"""Bundles of voices, and files that pretend to be one."""

import hashlib
import json
import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_LZMA, ZipFile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.errors import InputTooLarge, InvalidInput, ServiceError
from deployments.voices.bundle import MOST_BYTES, packed, unpacked
from tests.voices.test_store import CLIP, stored

FILE = packed(stored("narrator"), CLIP)


def opened(file: bytes = FILE) -> dict[str, bytes]:
    with ZipFile(BytesIO(file)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: dict[str, bytes], method: int = ZIP_DEFLATED) -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def changed(**files: bytes) -> bytes:
    """A bundle with other files, and the checksums of these."""
    all_files = opened() | {name.replace("_", "."): data for name, data in files.items()}
    sums = [f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in all_files.items() if name != "SHA256SUMS"]
    return zipped(all_files | {"SHA256SUMS": "\n".join(sums).encode()})


def manifest(**fields: Any) -> bytes:
    return json.dumps(json.loads(opened()["voice.json"]) | fields).encode()


def test_a_bundle_holds_all_of_a_voice() -> None:
    bundle, voice = unpacked(FILE), stored("narrator")
    assert (bundle.name, bundle.ref_text, bundle.consent) == ("narrator", "What it says.", "my own")
    assert (bundle.codec, bundle.warnings) == ("codec", ())
    assert (bundle.codes == voice.reference.codes).all()
    assert bundle.codes.dtype == np.int32
    assert bundle.clip[:4] == b"RIFF"
    assert len(bundle.clip) == 44 + 2 * len(CLIP)


def test_a_voice_has_the_same_bundle_whenever_it_is_packed() -> None:
    assert packed(stored("narrator"), CLIP) == FILE


def test_a_bundle_with_a_changed_file_is_refused() -> None:
    for name, data in opened().items():
        if name != "SHA256SUMS":
            with pytest.raises(InvalidInput, match=f"{name} does not have its checksum"):
                unpacked(zipped(opened() | {name: data.replace(b"1", b"2")[:-1]}))


@pytest.mark.parametrize(
    "name", ["../voice.json", "/etc/passwd", "voice.json/", "C:\\voice.json", "VOICE.JSON", "another.txt"]
)
def test_other_files_are_refused_whatever_their_path(name: str) -> None:
    with pytest.raises(InvalidInput, match="must have the files"):
        unpacked(zipped(opened() | {name: b"x"}))
    files = opened()
    del files["voice.json"]
    with pytest.raises(InvalidInput, match="must have the files"):
        unpacked(zipped(files | {name: b"x"}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_refused() -> None:
    buffer = BytesIO(FILE)
    with ZipFile(buffer, "a") as archive:
        archive.writestr("voice.json", manifest(name="another"))
    with pytest.raises(InvalidInput, match="must have the files"):
        unpacked(buffer.getvalue())


@pytest.mark.parametrize("name", ["voice.json", "codes.json", "clip.wav", "SHA256SUMS"])
def test_a_bomb_is_refused_before_it_is_large(name: str) -> None:
    bomb = zipped(opened() | {name: bytes(64 * 2**20)})
    assert len(bomb) < 2**17
    with pytest.raises(InputTooLarge, match=name):
        unpacked(bomb)


def test_a_size_that_lies_is_not_believed() -> None:
    bomb = bytearray(zipped(opened() | {"codes.json": bytes(64 * 2**20)}))
    true = struct.pack("<I", 64 * 2**20)
    lie = bomb.replace(true, struct.pack("<I", 10))
    assert lie != bomb
    with pytest.raises(ServiceError):
        unpacked(bytes(lie))


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(InputTooLarge, match="bundle is larger than 8192 KiB"):
        unpacked(bytes(MOST_BYTES + 1))


@pytest.mark.parametrize("file", [b"", b"PK\x05\x06", FILE[:-30], FILE[:200], b"RIFF", zipped(opened(), ZIP_LZMA)])
def test_what_is_no_zip_file_is_refused(file: bytes) -> None:
    with pytest.raises(InvalidInput, match="cannot be imported"):
        unpacked(file)


@pytest.mark.parametrize(
    "make",
    [
        lambda: changed(voice_json=manifest(format="another")),
        lambda: changed(voice_json=manifest(version=2)),
        lambda: changed(voice_json=manifest(name=None)),
        lambda: changed(voice_json=b"[" * 10_000),
        lambda: changed(codes_json=b"[1.5]"),
        lambda: changed(codes_json=b"[-1]"),
        lambda: changed(codes_json=b"[99999999999999999999]"),
        lambda: changed(codes_json=json.dumps([1] * 5000).encode()),
    ],
)
def test_wrong_values_are_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(InvalidInput, match="wrong values"):
        unpacked(make())


@given(st.data())
def test_a_damaged_bundle_is_refused_or_the_same(data: st.DataObject) -> None:
    file = bytearray(FILE)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(file) - 1) | st.integers(len(file) - 300, len(file) - 1))
        file[place] = data.draw(st.integers(0, 255))
    try:
        bundle = unpacked(bytes(file))
    except ServiceError:
        return
    assert bundle.clip == unpacked(FILE).clip
