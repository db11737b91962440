"""The trained checkpoints that ship with the service, verified before they are loaded."""

import hashlib
import json
from pathlib import Path
from typing import Final

from deployments.errors import Unavailable

FOLDER: Final = Path(__file__).parent
NAMES: Final = ("llasa", "xcodec2", "whisper", "voices.json")
_SUMS: Final = "checksums.json"


def verified(name: str, folder: Path = FOLDER) -> Path:
    """Returns the folder of a checkpoint, or the file of the voices, after verifying its checksums.

    Args:
        name: One of NAMES.
        folder: Has a folder for each name, and `checksums.json`: SHA-256 by relative path.

    Raises:
        Unavailable: the checkpoint does not exist, or a file is missing or was changed; names the file.
    """
    if name not in NAMES:
        raise Unavailable(f"There is no checkpoint nano:{name}.")
    try:
        sums: dict[str, str] = json.loads((folder / _SUMS).read_text())
        expected = {path: digest for path, digest in sums.items() if f"{path}/".startswith(f"{name}/")}
        for path, digest in expected.items():
            if hashlib.sha256((folder / path).read_bytes()).hexdigest() != digest:
                raise Unavailable(f"{folder / path} is not what was shipped: install the service again.")
    except (OSError, ValueError) as error:
        raise Unavailable(
            f"The embedded checkpoint {name} is incomplete: install the service again. ({error})"
        ) from error
    if not expected:
        raise Unavailable(f"{folder / _SUMS} names no file of {name}: install the service again.")
    return folder / name
