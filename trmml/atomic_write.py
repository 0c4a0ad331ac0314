"""Files that are there whole, or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

__all__ = ["atomic_write", "write_atomically"]


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file under another name beside it, flush it to the disk, then rename it.

    A stop at any moment leaves the old file or the new one, and a full disk the old one.

    Args:
        path: Of the file; an existing one is replaced.
        content: Text is written as UTF-8.

    Raises:
        OSError: If the folder cannot be written or the disk is full; nothing is left behind.
    """
    partial = _partial(path)
    try:
        with partial.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        partial.unlink(missing_ok=True)  # a full disk has no room for half a file
        raise
    partial.replace(path)


@contextmanager
def atomic_write(path: str | os.PathLike[str], *, encoding: str = "utf-8") -> Iterator[TextIO]:
    """Open a text file for writing that gets its name only when the block ends well.

    Args:
        path: Where to; replaced if it exists, left alone if the block fails.
        encoding: Of the text. File names that are no UTF-8 come out as the bytes they are.

    Raises:
        ValueError: If the folder does not exist, or the path is a folder.
    """
    path = Path(path)
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"the folder {path.parent} does not exist"
        raise ValueError(f"{path}: cannot be written, {what}.")
    partial = _partial(path)
    try:
        with partial.open("w", encoding=encoding, errors="surrogateescape", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    """Return the name under which a file is written: each process has its own."""
    return path.with_name(f"{path.name}.{os.getpid()}.partial")
