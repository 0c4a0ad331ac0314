"""Files that are there whole, or not at all: the one place where the library writes."""

import os
import platform
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, TextIO, cast

from trmml.regular_files import irregular_kind

__all__ = ["atomic_write", "atomic_write_binary", "synced_partial", "write_atomically"]

Piece = bytes | memoryview
"""Part of a file, written before the next one is asked for."""

LONGEST = 190  # bytes of a name of at most 255, beside the machine and the process


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
    path = _target(path)
    with _partial(path) as partial:
        _write_synced(partial, content)


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


def synced_partial(path: Path, content: bytes | str | Iterable[Piece]) -> Path:
    """Write what will be a file, flush it to the disk, and leave the renaming to the caller.

    For files that belong together: all are whole on the disk before the first gets its name. After
    a stop in between, the rest is found under the names returned.

    Args:
        path: Of the file that is to be.
        content: Text is written as UTF-8; pieces are written one by one, as they come.

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
    _require_plain(path)
    partial = path.with_name(f"{path.name}.partial")
    try:
        with _naming(path, partial):
            _write_synced(partial, content)
    except BaseException:
        partial.unlink(missing_ok=True)  # a full disk has no room for half a file
        raise
    return partial


@contextmanager
def _opened(path: Path, mode: str, **options: str) -> Iterator[IO[Any]]:
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"the folder {path.parent} does not exist"
        raise ValueError(f"{path}: cannot be written, {what}.")
    path = _target(path)
    with _partial(path) as partial, partial.open(mode, **options) as file:  # pyright: ignore[reportArgumentType, reportCallIssue]
        yield file
        _sync(file)


def _write_synced(path: Path, content: bytes | str | Iterable[Piece]) -> None:
    content = content.encode() if isinstance(content, str) else content
    with path.open("wb") as file:
        for piece in [content] if isinstance(content, bytes) else content:
            file.write(piece)
        _sync(file)


def _sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _target(path: Path) -> Path:
    """Return the file to replace: what a link leads to, and never a device or a pipe.

    What a writer left that was killed is removed, if it was one of this machine.

    Raises:
        ValueError: If something is there that is no plain file.
    """
    _require_plain(path)
    path = path.resolve() if path.is_symlink() else path
    left = re.compile(re.escape(f"{_stem(path)}.{_host()}-") + r"(\d+)\.partial")
    for name in os.listdir(path.parent) if path.parent.is_dir() else ():  # noqa: PTH208 - names
        found = left.fullmatch(name)
        if found and not _lives(int(found[1])):
            (path.parent / name).unlink(missing_ok=True)
    return path


def _require_plain(path: Path) -> None:
    kind = irregular_kind(path)
    if kind is not None:
        raise ValueError(f"{path}: cannot be written, this is {kind}; choose another name.")


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """Give the name under which a file is written, each process its own; then rename."""
    partial = path.with_name(f"{_stem(path)}.{_host()}-{os.getpid()}.partial")
    try:
        with _naming(path, partial):
            yield partial
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _naming(path: Path, partial: Path) -> Iterator[None]:
    """Let errors of writing name the file that was to be: a full disk names none at all."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(partial)):
            error.filename, error.filename2 = str(path), None
        raise


def _stem(path: Path) -> str:
    """Return as much of a name as leaves room for what is added to it."""
    return os.fsdecode(os.fsencode(path.name)[:LONGEST])


def _host() -> str:
    return re.sub(r"\W", "_", platform.node())[:32]


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is someone else's, or the system cannot say
        return True
    return True
