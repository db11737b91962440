"""The folder in which copies of spoken files are kept, where the operator wants them."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4


def keep_output(folder: Path, data: bytes, suffix: str) -> Path:
    """Writes a file under a name of its own: the time in UTC, then what no other file has. Blocks."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:12]}{suffix}"
    with path.open("xb") as file:
        file.write(data)
    return path
