"""Files that are there whole, or not at all: the one place where the library writes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, TextIO, cast

__all__ = ["atomic_write", "atomic_write_binary", "synced_partial", "write_atomically"]


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file under another name beside it, flush it to the disk, then rename it.

    A stop at any moment leaves the old file or the new one, and a full disk the old one. Like
    every file written here, it has the permissions that the user's umask gives to new files.

    Args:
        path: Of the file; an existing one is replaced.
        content: Text is written as UTF-8.

    Raises:
        OSError: If the folder cannot be written or the disk is full; nothing is left behind.

    Examples:
        >>> write_atomically(Path("report.txt"), "done")
        >>> Path("report.txt").read_text()
        'done'
    """
    partial = _partial(path)
    try:
        _write_synced(partial, content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_write(path: str | os.PathLike[str], *, encoding: str = "utf-8") -> Iterator[TextIO]:
    r"""Open a text file for writing that gets its name only when the block ends well.

    Args:
        path: Where to; replaced if it exists, left alone if the block fails.
        encoding: Of the text. File names that are no UTF-8 come out as the bytes they are.

    Raises:
        ValueError: If the folder does not exist, or the path is a folder.

    Examples:
        >>> with atomic_write("labels.csv") as file:
        ...     _ = file.write("image,cat\n")
        >>> Path("labels.csv").read_text()
        'image,cat\n'
    """
    options = {"encoding": encoding, "errors": "surrogateescape", "newline": ""}
    with _opened(Path(path), "w+", **options) as file:
        yield cast("TextIO", file)


@contextmanager
def atomic_write_binary(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file of bytes, for writing and reading back, that gets its name as `atomic_write`.

    Args:
        path: Where to; replaced if it exists, left alone if the block fails.

    Raises:
        ValueError: If the folder does not exist, or the path is a folder.

    Examples:
        >>> with atomic_write_binary("known.npy") as file:
        ...     _ = file.write(bytes(8))
        >>> Path("known.npy").stat().st_size
        8
    """
    with _opened(Path(path), "wb+") as file:
        yield cast("BinaryIO", file)


def synced_partial(path: Path, content: bytes | str) -> Path:
    """Write what will be a file, flush it to the disk, and leave the renaming to the caller.

    For files that belong together: all are whole on the disk before the first gets its name. After
    a stop in between, the rest is found under the names returned.

    Args:
        path: Of the file that is to be.
        content: Text is written as UTF-8.

    Returns:
        The path with `.partial` added, the same in every process; two that write the same file at
        once get in each other's way.

    Raises:
        OSError: If the folder cannot be written or the disk is full; nothing is left behind.

    Examples:
        >>> weights, card = Path("weights"), Path("card.json")
        >>> partial = synced_partial(weights, bytes(8)), synced_partial(card, "{}")
        >>> _ = partial[0].replace(weights), partial[1].replace(card)
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        _write_synced(partial, content)
    except OSError:
        partial.unlink(missing_ok=True)  # a full disk has no room for half a file
        raise
    return partial


@contextmanager
def _opened(path: Path, mode: str, **options: str) -> Iterator[IO[Any]]:
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"the folder {path.parent} does not exist"
        raise ValueError(f"{path}: cannot be written, {what}.")
    partial = _partial(path)
    try:
        with partial.open(mode, **options) as file:  # pyright: ignore[reportArgumentType, reportCallIssue]
            yield file
            _sync(file)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _write_synced(path: Path, content: bytes | str) -> None:
    with path.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        _sync(file)


def _sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _partial(path: Path) -> Path:
    """Return the name under which a file is written: each process has its own."""
    return path.with_name(f"{path.name}.{os.getpid()}.partial")
