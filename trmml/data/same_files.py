"""Find images that two tables share, however their paths are written, or copied."""

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Final

from trmml.data.image_table import ImageTable

__all__ = ["same_contents", "same_files"]

_END: Final = 4096  # bytes, which differ where images do; cameras begin all of theirs alike


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


def same_contents(first: ImageTable, second: ImageTable) -> list[tuple[Path, Path]]:
    """Return the files of the second table that hold the same bytes as one of the first.

    Only files of equal size are opened, and only those that end alike are read as a whole. What is
    no file, or cannot be read, is nobody's copy.

    Args:
        first: A table.
        second: Another one; the pairs come in its order.
    """
    groups = [(first.paths, second.paths)]
    for key in (_size, _end, _digest):
        groups = [alike for one, other in groups for alike in _alike(one, other, key)]
    copied = {path: ones[0] for ones, others in groups for path in others}
    return [(copied[path], path) for path in second.paths if path in copied]


def _alike(
    first: Sequence[Path], second: Sequence[Path], key: Callable[[Path], Hashable]
) -> list[tuple[list[Path], list[Path]]]:
    """Put files of both that have the same key together; drop those that stand alone."""
    found: dict[Hashable, tuple[list[Path], list[Path]]] = defaultdict(lambda: ([], []))
    for side, paths in enumerate((first, second)):
        for path in paths:
            try:
                found[key(path)][side].append(path)
            except (OSError, ValueError):
                continue
    return [pair for pair in found.values() if all(pair)]


def _size(path: Path) -> int:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(path)
    return found.st_size


def _end(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-min(_END, path.stat().st_size), os.SEEK_END)
        return file.read()


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _identity(path: Path) -> tuple[int, int] | str:
    try:
        found = os.stat(path)  # noqa: PTH116 - half the cost of Path
    except (OSError, ValueError):
        return os.path.realpath(path) if "\0" not in str(path) else str(path)
    # Some network drives number no files.
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)
