"""The host's page cache, which keeps an offloaded model's weights at hand."""

import os
from pathlib import Path


def drop_from_page_cache(folder: Path) -> int:
    """Tells the kernel that the files below a folder are not needed; returns their bytes.

    The weights can then be read anew from the disk only. Files that another process maps stay.
    """
    total = 0
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                total += os.fstat(file.fileno()).st_size
    return total
