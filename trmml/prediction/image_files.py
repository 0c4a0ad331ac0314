"""From what a user names, files, folders or a list, to image files."""

import os
from collections.abc import Iterable
from pathlib import Path

from trmml.data import IMAGE_SUFFIXES

__all__ = ["find_images", "split_names"]


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """List image files: those named, and those in the folders named and below.

    A file is taken whatever its name ends in; in a folder, names must end as photographs' do, and
    what is hidden is passed over. Each file comes once, in the order given, folders sorted.

    Args:
        paths: Files and folders.

    Raises:
        ValueError: If a path does not exist, or a folder holds no image.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(_inside(path))
            if not inside:
                raise ValueError(
                    f"{path}: there is no image in this folder; its files' names must end in one "
                    f"of {', '.join(sorted(IMAGE_SUFFIXES))}."
                )
            found.update(dict.fromkeys(inside))
        elif path.exists():
            found[path] = None
        else:
            raise ValueError(f"{path}: there is nothing; check the path.")
    return list(found)


def split_names(content: bytes) -> list[Path]:
    """Read a list of file names, one a line, or separated by NUL as `find -print0` does.

    Raises:
        ValueError: If there is no name.
    """
    separator = b"\0" if b"\0" in content else b"\n"
    names = [name.removesuffix(b"\r") for name in content.split(separator)]
    found = list(dict.fromkeys(Path(os.fsdecode(name)) for name in names if name.strip()))
    if not found:
        raise ValueError("the list of images is empty; write one file name a line.")
    return found


def _inside(folder: Path) -> Iterable[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES:
                yield Path(parent, name)
