"""List files as a person sees them: what systems and programs leave beside them is passed over."""

import os
from pathlib import Path
from typing import Final

from trmml.data.image_formats import IMAGE_SUFFIXES

__all__ = ["images_below", "is_hidden", "visible_files"]

_LEFT_BY_SYSTEMS: Final = frozenset({"__macosx", "thumbs.db", "desktop.ini", "$recycle.bin"})


def is_hidden(name: str) -> bool:
    """Say whether a file or folder is hidden, or nobody's data, by its name.

    Args:
        name: Without the folders above it.

    Examples:
        >>> [is_hidden(name) for name in (".ipynb_checkpoints", "._a.jpg", "__MACOSX", "a.jpg")]
        [True, True, True, False]
    """
    return name.startswith(".") or name.casefold() in _LEFT_BY_SYSTEMS


def visible_files(folder: Path, pattern: str = "*") -> list[Path]:
    """Return the files and folders directly in a folder that are not hidden, sorted.

    Args:
        folder: A folder; where there is none, nothing is in it.
        pattern: Which names, as `Path.glob` takes them.
    """
    return sorted(path for path in folder.glob(pattern) if not is_hidden(path.name))


def images_below(folder: Path) -> list[str]:
    """Return the images in a folder and below, sorted, relative to it, with `/` between folders.

    Names must end as photographs' do; hidden files and folders, and links to other folders, are
    passed over.

    Args:
        folder: The folder.
    """
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_hidden(name)]
        images = (name for name in names if Path(name).suffix.lower() in IMAGE_SUFFIXES)
        found += [Path(parent, name) for name in images if not is_hidden(name)]
    return sorted(path.relative_to(folder).as_posix() for path in found)
