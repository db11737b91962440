"""Stored voices: a folder shared by all ingress replicas, one file per voice."""

import json
import logging
import os
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final, Self

import numpy as np
from cachetools import LRUCache

from deployments.cache_metrics import UNOBSERVED, CacheObserver
from deployments.errors import Conflict, InvalidInput
from deployments.settings import Settings
from deployments.voices.names import BUILT_IN_PREFIX, id_of, older_id, voice_id
from deployments.voices.reference import Reference
from deployments.xcodec2.protocol import Waveform

logger = logging.getLogger(__name__)

_SUFFIX: Final = ".safetensors"
_NOTHING: Final = np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class Voice:
    """The public data of a voice."""

    id: str
    name: str
    created_at: int
    """Unix time."""
    ref_text: str
    """Transcript of its reference."""
    duration: float
    """Seconds of its reference."""
    consent: str | None = None
    """Whose voice it is, as stated; None for a voice of the service."""
    checkpoint: str = ""
    """The checkpoints that its codes belong to: others cannot read them."""
    warnings: tuple[str, ...] = ()
    """Possible problems of its reference, in readable sentences."""

    @property
    def built_in(self) -> bool:
        """Whether it exists from the start."""
        return self.id.startswith(BUILT_IN_PREFIX)


@dataclass(frozen=True, slots=True)
class StoredVoice:
    """A voice with its codes."""

    voice: Voice
    reference: Reference

    @property
    def size(self) -> int:
        """Approximate bytes in memory."""
        texts = (self.reference.text, *self.reference.warnings)
        return self.reference.codes.nbytes + sum(len(text.encode()) for text in texts) + 1_000


class VoiceStore:
    """The folder. Its methods block: call them in a thread.

    A file's name is a digest of the voice's, so that no name leads elsewhere. Files appear whole or not at all. Voices
    are cached in memory, up to a limit, as long as their files do not change.

    Args:
        folder: Created when the first voice is stored.
        cache_bytes: Maximum bytes of the cache.
        most: Maximum stored voices.
        watch: Observes the cache.
    """

    def __init__(self, folder: Path, cache_bytes: int, most: int, watch: CacheObserver = UNOBSERVED) -> None:
        self._folder = folder.expanduser()
        self._most = most
        self._watch = watch
        self._lock = threading.Lock()
        self._cache = LRUCache[tuple[str, int, int], StoredVoice](cache_bytes, lambda stored: stored.size)

    @property
    def cached_bytes(self) -> int:
        """Approximate bytes in the cache."""
        return int(self._cache.currsize)

    @classmethod
    def of(cls, settings: Settings, watch: CacheObserver = UNOBSERVED) -> Self:
        """Returns the store of the settings."""
        return cls(settings.voices_dir, round(settings.voice_cache_mb * 1_000_000), settings.max_voices, watch)

    def list(self) -> list[Voice]:
        """Returns all voices, the newest last. Skips and logs files that cannot be read."""
        from safetensors import SafetensorError, safe_open

        voices = []
        for path in self._folder.glob("voice_*" + _SUFFIX):
            try:
                with safe_open(path, "numpy") as file:
                    voices.append(_voice(file.metadata()))
            except FileNotFoundError:
                pass  # another replica has just deleted it
            except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
                logger.warning("The voice in %s cannot be read: %s", path, error)
        return sorted(voices, key=lambda voice: (voice.created_at, voice.name))

    def read(self, key: str) -> StoredVoice | None:
        """Returns a voice by its name or id; None if there is none.

        Raises:
            InvalidInput: its file cannot be read.
        """
        from safetensors import SafetensorError, safe_open

        path = self._path(key)
        try:
            status = path.stat()
            entry = (path.name, status.st_mtime_ns, status.st_ino)
            with self._lock:
                kept = self._cache.get(entry)
            self._watch.looked_up(hit=kept is not None)
            if kept:
                return kept
            with safe_open(path, "numpy") as file:
                voice = _voice(file.metadata())
                stored = StoredVoice(voice, Reference(file.get_tensor("codes"), voice.ref_text, voice.warnings))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise InvalidInput(
                f"The stored voice {key!r} cannot be read: delete it and store it again.", "voice"
            ) from error
        self._keep(entry, stored)
        return stored

    def clip(self, stored: StoredVoice) -> Waveform:
        """Returns [samples] mono at 16 kHz: the clip of the codes; empty if they were not made from one."""
        from safetensors import safe_open

        with safe_open(self._path(stored.voice.id), "numpy") as file:
            clip: Waveform = file.get_tensor("clip").astype(np.float32) / 32_767
        return clip

    def add(self, stored: StoredVoice, clip: Waveform) -> None:
        """Stores a new voice with the clip of its codes.

        Raises:
            Conflict: a voice of that name exists, or there are too many.
        """
        if sum(1 for _ in self._folder.glob("voice_*" + _SUFFIX)) >= self._most:
            raise Conflict(f"{self._most} voices are stored, as many as MAX_VOICES allows: delete one.")
        self._write(stored, clip, replace=False)

    def replace(self, stored: StoredVoice, clip: Waveform = _NOTHING) -> None:
        """Replaces the voice of the same name."""
        self._write(stored, clip, replace=True)

    def rename(self, stored: StoredVoice, name: str) -> Voice:
        """Renames a voice, which changes its id, too.

        Raises:
            Conflict: a voice of that name exists.
        """
        voice = replace(stored.voice, id=voice_id(name), name=name)
        self._write(StoredVoice(voice, stored.reference), self.clip(stored), replace=False)
        self.remove(stored.voice.id)
        return voice

    def remove(self, key: str) -> bool:
        """Deletes a voice by its name or id; returns whether it existed."""
        try:
            self._path(key).unlink()
        except FileNotFoundError:
            return False
        return True

    def _path(self, key: str) -> Path:
        path = self._folder / (id_of(key) + _SUFFIX)
        older = self._folder / (older_id(key) + _SUFFIX)
        # Only a name with several spaces in a row has two paths.
        return older if older != path and not path.exists() and older.exists() else path

    def _write(self, stored: StoredVoice, clip: Waveform, *, replace: bool) -> None:
        from safetensors.numpy import save

        tensors: dict[str, Any] = {
            "codes": stored.reference.codes,
            "clip": (clip.clip(-1, 1) * 32_767).astype(np.int16),
        }
        data = save(tensors, {"voice": json.dumps(asdict(stored.voice))})
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(stored.voice.id)
        with NamedTemporaryFile(dir=self._folder, prefix=".new-") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if replace:
                os.link(file.name, file.name + ".link")
                Path(file.name + ".link").replace(path)
                return
            try:
                os.link(file.name, path)  # fails if the file exists, unlike a rename
            except FileExistsError:
                raise Conflict(f"There is a voice {stored.voice.name!r} already.", "name") from None

    def _keep(self, entry: tuple[str, int, int], stored: StoredVoice) -> None:
        with self._lock:
            with suppress(ValueError):  # larger than the cache
                self._cache[entry] = stored
            self._watch.holds(self.cached_bytes)


def _voice(metadata: dict[str, str]) -> Voice:
    known = json.loads(metadata["voice"])
    return Voice(**known | {"warnings": tuple(known.get("warnings", ()))})  # older files have none
