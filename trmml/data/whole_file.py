"""Text files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

__all__ = ["whole_file"]


@contextmanager
def whole_file(path: str | os.PathLike[str], *, encoding: str = "utf-8") -> Iterator[TextIO]:
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
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", encoding=encoding, errors="surrogateescape", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
