"""Files that are there whole, or not at all."""

import os
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file under another name beside it, flush it to the disk, then rename it.

    A stop at any moment leaves the old file or the new one, and a full disk the old one.

    Args:
        path: Of the file; an existing one is replaced.
        content: Text is written as UTF-8.

    Raises:
        OSError: If the folder cannot be written or the disk is full; nothing is left behind.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        partial.unlink(missing_ok=True)  # a full disk has no room for half a file
        raise
    partial.replace(path)
