"""See that a path is a plain file before it is opened: a pipe would be waited for without end."""

import os
import stat
from pathlib import Path

__all__ = ["irregular_kind", "require_regular_file"]

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def irregular_kind(path: str | os.PathLike[str]) -> str | None:
    """Say what is at a path, symbolic links followed, if it is there and no plain file.

    Args:
        path: Of anything, or of nothing.

    Returns:
        Such as "a folder" or "a pipe"; None for a plain file, and where nothing is.

    Raises:
        OSError: If the path cannot be looked at; a ValueError if no file can have that name.

    Examples:
        >>> irregular_kind("/"), irregular_kind("no_such_file")
        ('a folder', None)
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - in the loading loop, half the cost of Path
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no plain file")


def require_regular_file(path: str | os.PathLike[str]) -> Path:
    """Return the path of a plain file.

    Args:
        path: Of the file; a symbolic link counts as what it leads to.

    Raises:
        FileNotFoundError: If nothing is there.
        ValueError: If it is a folder, a pipe, a socket or a device.

    Examples:
        >>> require_regular_file("/")
        Traceback (most recent call last):
        ValueError: /: this is a folder, not a file; check the path.
    """
    kind = irregular_kind(path)
    if kind is not None:
        raise ValueError(f"{os.fspath(path)}: this is {kind}, not a file; check the path.")
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: the file does not exist; check the path.")
    return path
