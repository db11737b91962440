"""Files that a tool may read and write: only those below permitted folders."""

from collections.abc import Sequence
from pathlib import Path

from deployments.errors import Conflict, InputTooLarge, InvalidInput


class AllowedFolders:
    """Folders of this machine.

    Args:
        folders: Files below them are permitted. Links are resolved first, so that none leads out.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [folder.expanduser().resolve() for folder in folders]

    def read(self, path: str, most_bytes: int, param: str) -> bytes:
        """Returns the content of a file. Blocks.

        Raises:
            InvalidInput: the file lies outside the folders, or cannot be read.
            InputTooLarge: the file has more than `most_bytes`.
        """
        file = self._inside(path, param)
        try:
            if not file.is_file():
                raise InvalidInput(f"There is no file {path}.", param)
            if file.stat().st_size > most_bytes:
                raise InputTooLarge(
                    f"{path} has more than the {most_bytes / 1_000_000:g} MB that a clip may have.", param
                )
            return file.read_bytes()
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read: {error.strerror}.", param) from error

    def write(self, path: str, data: bytes, *, overwrite: bool, param: str) -> Path:
        """Writes a file to an existing folder. Blocks.

        Raises:
            InvalidInput: the file lies outside the folders, or cannot be written.
            Conflict: the file exists, and `overwrite` is false.
        """
        file = self._inside(path, param)
        try:
            with file.open("wb" if overwrite else "xb") as opened:
                opened.write(data)
        except FileExistsError:
            raise Conflict(f"There is a file {path} already: give another path, or set overwrite.", param) from None
        except OSError as error:
            raise InvalidInput(f"{path} cannot be written: {error.strerror}.", param) from error
        return file

    def check_writable(self, path: str, *, overwrite: bool, param: str) -> None:
        """Raises in advance the errors that `write` would raise. Blocks."""
        file = self._inside(path, param)
        if not file.parent.is_dir():
            raise InvalidInput(f"There is no folder {file.parent}.", param)
        if file.exists() and not overwrite:
            raise Conflict(f"There is a file {path} already: give another path, or set overwrite.", param)

    def _inside(self, path: str, param: str) -> Path:
        try:
            file = Path(path).expanduser().resolve()
        except (OSError, RuntimeError, ValueError):  # too long, a loop of links, a NUL
            raise InvalidInput("The path is invalid.", param) from None
        if not any(file.is_relative_to(folder) for folder in self._folders):
            allowed = ", ".join(map(str, self._folders)) or "none"
            raise InvalidInput(f"{path} lies outside the folders that are allowed: {allowed}.", param)
        return file
