"""Find images that two tables share, however their paths are written."""

import os
from pathlib import Path

from trmml.data.image_table import ImageTable

__all__ = ["same_files"]


def same_files(first: ImageTable, second: ImageTable) -> list[tuple[Path, Path]]:
    """Return the files that are in both tables, each as both write its path.

    Files are compared, not paths: relative and absolute paths, symbolic and hard links lead to the
    same one. No file is opened.

    Args:
        first: A table.
        second: Another one; the pairs come in its order.
    """
    there = {_identity(path): path for path in first.paths}
    pairs = ((there.get(_identity(path)), path) for path in second.paths)
    return [(one, other) for one, other in pairs if one is not None]


def _identity(path: Path) -> tuple[int, int] | str:
    try:
        found = os.stat(path)  # noqa: PTH116 - half the cost of Path
    except (OSError, ValueError):
        return os.path.realpath(path) if "\0" not in str(path) else str(path)
    # Some network drives number no files.
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)
