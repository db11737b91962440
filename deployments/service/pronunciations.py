"""Stored pronunciations: a folder shared by all ingress replicas, one file per entry."""

import hashlib
import json
import logging
import re
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final, Self

from deployments.errors import Conflict, InvalidInput, NotFound, Unavailable
from deployments.settings import Settings
from deployments.text.pronunciation import MOST, Pronunciation

logger = logging.getLogger(__name__)

_ID: Final = re.compile(r"pron_[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class StoredPronunciation:
    """An entry and its id, which is a digest of its term, language, voice and case."""

    id: str
    pronunciation: Pronunciation

    @classmethod
    def of(cls, entry: Pronunciation) -> "StoredPronunciation":
        """Returns the entry with its id."""
        term = " ".join(entry.term.split())
        key = json.dumps([term if entry.case else term.casefold(), entry.language, entry.voice, entry.case])
        return cls(f"pron_{hashlib.sha256(key.encode()).hexdigest()[:24]}", entry)


class PronunciationStore:
    """The folder. Its methods block: call them in a thread. Files appear whole or not at all.

    Args:
        folder: Created when the first entry is stored.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.expanduser()
        self._lock = threading.Lock()
        self._listed: tuple[int, tuple[StoredPronunciation, ...]] = (-1, ())

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Returns the store of the settings, beside the voices."""
        return cls(settings.voices_dir / "pronunciations")

    def list(self) -> tuple[StoredPronunciation, ...]:
        """Returns all entries, by their terms. Skips and logs files that cannot be read."""
        try:
            changed = self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return ()
        with self._lock:
            if self._listed[0] != changed:
                entries = [entry for path in self._folder.glob("pron_*.json") if (entry := _read(path))]
                self._listed = changed, tuple(sorted(entries, key=lambda entry: entry.pronunciation.term.casefold()))
            return self._listed[1]

    def get(self, id: str) -> StoredPronunciation:
        """Returns an entry.

        Raises:
            NotFound: there is no such entry.
        """
        entry = _read(self._path(id))
        if entry is None:
            raise _no_entry(id)
        return entry

    def add(self, entries: Iterable[Pronunciation], *, replace: bool = False) -> tuple[StoredPronunciation, ...]:
        """Stores entries.

        Args:
            entries: The entries.
            replace: Whether an entry replaces the stored one of the same term, language, voice and case.

        Raises:
            Conflict: there is such an entry, and `replace` is false.
            InvalidInput: there would be too many entries.
            Unavailable: the folder cannot be written.
        """
        added = tuple(StoredPronunciation.of(entry) for entry in entries)
        stored = {entry.id for entry in self.list()}
        if not replace and (known := next((entry for entry in added if entry.id in stored), None)):
            raise Conflict(
                f"There is a pronunciation of {known.pronunciation.term!r} already: change {known.id}.", "term"
            )
        if len(stored | {entry.id for entry in added}) > MOST:
            raise InvalidInput(f"At most {MOST} pronunciations can be stored: delete some first.", "pronunciations")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for entry in added:
                self._write(entry)
        except OSError as error:
            logger.warning("VOICES_DIR cannot be used: %s", error)
            raise Unavailable(f"The pronunciation cannot be stored now ({error.strerror}). Try again later.") from error
        return added

    def change(self, id: str, entry: Pronunciation) -> StoredPronunciation:
        """Replaces an entry. Its id changes with its term.

        Raises:
            NotFound: there is no such entry.
            Conflict: another entry has that term, language, voice and case.
        """
        self.get(id)
        (changed,) = self.add([entry], replace=StoredPronunciation.of(entry).id == id)
        if changed.id != id:
            self.remove(id)
        return changed

    def remove(self, id: str) -> None:
        """Deletes an entry.

        Raises:
            NotFound: there is no such entry.
        """
        try:
            self._path(id).unlink()
        except FileNotFoundError:
            raise _no_entry(id) from None

    def _path(self, id: str) -> Path:
        if not _ID.fullmatch(id):
            raise _no_entry(id)
        return self._folder / f"{id}.json"

    def _write(self, entry: StoredPronunciation) -> None:
        with NamedTemporaryFile("w", encoding="utf-8", dir=self._folder, delete=False) as file:
            json.dump(asdict(entry.pronunciation), file, ensure_ascii=False)
        try:
            Path(file.name).replace(self._path(entry.id))
        except OSError:
            with suppress(OSError):
                Path(file.name).unlink()
            raise


def _read(path: Path) -> StoredPronunciation | None:
    try:
        return StoredPronunciation.of(Pronunciation(**json.loads(path.read_text(encoding="utf-8"))))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, InvalidInput) as error:
        logger.warning("The pronunciation in %s cannot be read: %s", path, error)
        return None


def _no_entry(id: str) -> NotFound:
    return NotFound(f"There is no pronunciation {id[:100]!r}: see GET /v1/pronunciations.", "id")
