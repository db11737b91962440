"""espeak-ng in this process: speech with the time of every phoneme and word, and transcriptions."""

import ctypes
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .phones import VOICELESS, from_espeak

SAMPLE_RATE: Final = 16_000
Audio = npt.NDArray[np.float32]


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("id", _Id),
    ]  # fmt: skip


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True)
class Voice:
    variant: str = ""
    pitch: int = 50
    rate: int = 170
    range: int = 0
    """0 is a monotone, 50 natural."""


@dataclass
class Speech:
    audio: Audio
    phonemes: list[tuple[float, str]] = field(default_factory=list)
    """Starts in seconds with espeak's names; the last entry, nameless, is the end."""

    def voiced(self, seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Whether the sound at each time is one with voice."""
        starts = np.array([t for t, _ in self.phonemes])
        flags = np.array([bool(sounds := _sounds(name)) and sounds[-1] not in VOICELESS for _, name in self.phonemes])
        at = np.searchsorted(starts, seconds, side="right") - 1
        return np.asarray(flags[at.clip(0)] & (at >= 0))


def _sounds(name: str) -> str:
    return "" if name.startswith("_") else "ə" if name == ";" else from_espeak(name)


class Espeak:
    """One to a process, for the library has but one state.

    Args:
        variants: Voices besides espeak's own: the text of a variant file by name.
    """

    def __init__(self, variants: Mapping[str, str] = MappingProxyType({})) -> None:
        self._lib: Any = ctypes.CDLL("libespeak-ng.so.1")
        self._lib.espeak_Info.restype = ctypes.c_char_p
        self._rate = self._lib.espeak_Initialize(2, 0, None, 1)  # synchronous, phoneme events
        if variants:
            folder = Path(tempfile.mkdtemp(prefix="espeak-"))
            weakref.finalize(self, shutil.rmtree, folder)
            self._write(variants, folder)
            self._lib.espeak_Initialize(2, 0, str(folder).encode(), 1)
        self._lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._chunks: list[npt.NDArray[np.int16]] = []
        self._events: list[tuple[int, str]] = []
        self._callback = _CALLBACK(self._receive)
        self._lib.espeak_SetSynthCallback(self._callback)
        self._voice: Voice | None = None
        self._use(Voice())

    def _write(self, variants: Mapping[str, str], folder: Path) -> None:
        """espeak's data, and the variants beside its own, for it reads them from nowhere else."""
        found = ctypes.c_char_p()
        self._lib.espeak_Info(ctypes.byref(found))
        installed, data = Path((found.value or b"").decode()), folder / "espeak-ng-data"
        english = Path("lang", "gmw")  # it keeps a list of 349 voices at most
        (data / "voices").mkdir(parents=True)
        (data / english.parent).mkdir()
        for path in (english, *(p.relative_to(installed) for p in installed.iterdir() if p.is_file())):
            (data / path).symlink_to(installed / path)
        shutil.copytree(installed / "voices" / "!v", data / "voices" / "!v")
        for name, text in variants.items():
            (data / "voices" / "!v" / name).write_text(text)

    def _receive(self, wav: Any, count: int, events: Any) -> int:
        if wav and count:
            self._chunks.append(np.ctypeslib.as_array(wav, (count,)).copy())
        i = 0
        while events[i].type:
            if events[i].type == 7:
                self._events.append((events[i].audio_position, events[i].id.string.decode()))
            i += 1
        return 0

    def _use(self, voice: Voice) -> None:
        if voice == self._voice:
            return
        name = f"en-us+{voice.variant}" if voice.variant else "en-us"
        if self._lib.espeak_SetVoiceByName(name.encode()):
            raise ValueError(f"espeak-ng has no voice {name}")
        for parameter, value in ((1, voice.rate), (3, voice.pitch), (4, voice.range)):
            self._lib.espeak_SetParameter(parameter, value, 0)
        self._voice = voice

    def say(self, text: str, voice: Voice = Voice(), phonemes: bool = False) -> Speech:
        self._use(voice)
        self._chunks, self._events = [], []
        data = (f"[[{text}]]" if phonemes else text).encode()
        self._lib.espeak_Synth(data, len(data) + 1, 0, 1, 0, 0x1 | (0x100 if phonemes else 0), None, None)
        import soxr  # where the Llama alone is trained, it need not be there

        raw = np.concatenate(self._chunks).astype(np.float32) / 32768
        speech = Speech(soxr.resample(raw, self._rate, SAMPLE_RATE).astype(np.float32))
        speech.phonemes = [(at / 1000, name) for at, name in self._events]
        return speech

    def transcribe(self, text: str) -> str:
        """espeak's phonemes, parted by `_`, words by spaces."""
        self._use(Voice())
        buffer = ctypes.create_string_buffer(text.encode())  # espeak walks it: it must outlive the loop
        pointer = ctypes.c_void_p(ctypes.addressof(buffer))
        said: list[str] = []
        while pointer.value:
            said.append(self._lib.espeak_TextToPhonemes(ctypes.byref(pointer), 1, ord("_") << 8).decode())
        return " ".join(said)
