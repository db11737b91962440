"""The host's page cache, which keeps the weights of offloaded models."""

import os
from pathlib import Path


def drop_from_page_cache(folder: Path) -> int:
    """Drops the files below a folder from the page cache; returns their bytes.

    The weights must then be read from the disk again. Files that another process maps stay.
    """
    total = 0
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                total += os.fstat(file.fileno()).st_size
    return total
