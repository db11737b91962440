"""Voice bundles: a voice in a zip file, to keep it or to take it to another service."""

import hashlib
import json
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Annotated, Final, Literal
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, LargeZipFile, ZipFile, ZipInfo

import numpy as np
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from deployments.audio.encoder import encoded
from deployments.errors import InputTooLarge, InvalidInput
from deployments.voices.store import StoredVoice
from deployments.xcodec2.protocol import SAMPLE_RATE, Codes, Waveform

MOST_BYTES: Final = 8 * 2**20
"""Largest bundle."""
_VOICE, _CLIP, _CODES, _SUMS = "voice.json", "clip.wav", "codes.json", "SHA256SUMS"
_MOST: Final = {_SUMS: 2**10, _VOICE: 2**16, _CLIP: 2 * MOST_BYTES, _CODES: 2**16}
"""Largest size in bytes of each file, uncompressed."""
_MOST_CODES: Final = 2**12
_CODE_LIST: Final = TypeAdapter(Annotated[list[Annotated[int, Field(ge=0, lt=2**24)]], Field(max_length=_MOST_CODES)])


class _Manifest(BaseModel):
    """voice.json."""

    format: Literal["llasa-voice"] = "llasa-voice"
    version: Literal[1] = 1
    name: str
    ref_text: str
    consent: str
    codec: str
    warnings: Annotated[tuple[str, ...], Field(max_length=20)] = ()


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle holds. None of it can be trusted but that it arrived as it was sent."""

    name: str
    ref_text: str
    consent: str
    codec: str
    """Checkpoint of the codec that the codes belong to."""
    codes: Codes
    clip: bytes
    """An audio file."""
    warnings: tuple[str, ...] = ()


def packed(stored: StoredVoice, clip: Waveform) -> bytes:
    """Returns the bundle of a voice. The same voice has the same bytes. Blocks.

    Args:
        stored: The voice.
        clip: [samples] mono at 16 kHz: its clip.
    """
    voice = stored.voice
    manifest = _Manifest(
        name=voice.name,
        ref_text=voice.ref_text,
        consent=voice.consent or "",
        codec=voice.checkpoint,
        warnings=voice.warnings,
    )
    files = {
        _VOICE: manifest.model_dump_json(indent=2).encode(),
        _CLIP: encoded(clip, "wav", SAMPLE_RATE),
        _CODES: json.dumps(stored.reference.codes.tolist()).encode(),
    }
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, data in {**files, _SUMS: sums.encode()}.items():
            archive.writestr(ZipInfo(name), data, ZIP_DEFLATED)
    return buffer.getvalue()


def unpacked(file: bytes) -> Bundle:
    """Reads a bundle. No name in it is used as a path, and no size in it is believed. Blocks.

    Raises:
        InvalidInput: the file is not a bundle, or was changed.
        InputTooLarge: the file, or one in it, is too large.
    """
    if len(file) > MOST_BYTES:
        raise _too_large("bundle", MOST_BYTES)
    try:
        with ZipFile(BytesIO(file)) as archive:
            if sorted(archive.namelist()) != sorted(_MOST):
                raise _invalid(f"it must have the files {', '.join(sorted(_MOST))}")
            if any(entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for entry in archive.infolist()):
                raise _invalid("it is compressed by another method than Deflate")
            files = {name: _read(archive, name) for name in _MOST}
    except (BadZipFile, LargeZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _invalid("it is not a zip file that can be read") from error
    _check_sums(files)
    try:
        manifest = _Manifest.model_validate_json(files[_VOICE])
        codes = _CODE_LIST.validate_json(files[_CODES])
    except ValidationError as error:
        raise _invalid(f"{_VOICE} or {_CODES} has wrong values") from error
    return Bundle(
        name=manifest.name,
        ref_text=manifest.ref_text,
        consent=manifest.consent,
        codec=manifest.codec,
        codes=np.array(codes, np.int32),
        clip=files[_CLIP],
        warnings=manifest.warnings,
    )


def _read(archive: ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        data = file.read(_MOST[name] + 1)
    if len(data) > _MOST[name]:
        raise _too_large(name, _MOST[name])
    return data


def _check_sums(files: dict[str, bytes]) -> None:
    rows = [row.split() for row in files[_SUMS].decode(errors="replace").splitlines()]
    sums = {row[1]: row[0] for row in rows if len(row) == 2}
    for name, data in files.items():
        if name != _SUMS and sums.get(name) != hashlib.sha256(data).hexdigest():
            raise _invalid(f"{name} does not have its checksum: the file is damaged or was changed")


def _invalid(reason: str) -> InvalidInput:
    return InvalidInput(f"The voice bundle cannot be imported: {reason}.", "file")


def _too_large(name: str, most: int) -> InputTooLarge:
    return InputTooLarge(f"The voice bundle cannot be imported: {name} is larger than {most // 1024} KiB.", "file")
