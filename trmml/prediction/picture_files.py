"""Pictures on the disk: under names of their own that any disk takes, whole or not there."""

import re
import unicodedata
from pathlib import Path
from typing import Final

from PIL import Image

from trmml.atomic_write import atomic_write_binary

__all__ = ["NewNames", "write_picture"]

_LONGEST: Final = 180  # bytes, of the 255 that disks allow
_FORMATS: Final = {".jpg": "JPEG", ".png": "PNG"}


class NewNames:
    """Names for files, made from names of photographs and classes.

    Letters and digits of any script stay, anything else becomes `_`; what is too long is cut by
    bytes of UTF-8, and a name that is taken already, on disks that ignore capital letters too,
    gets a number.

    Examples:
        >>> names = NewNames()
        >>> names.make("0001-beach", "cat/dog", suffix=".jpg")
        '0001-beach-cat_dog.jpg'
        >>> names.make("0001-beach", "Cat & dog", suffix=".jpg")
        '0001-beach-Cat_dog-2.jpg'
    """

    def __init__(self) -> None:
        """Start with no name taken."""
        self._taken: set[str] = set()

    def make(self, *parts: str, suffix: str) -> str:
        """Return a new name.

        Args:
            parts: What it is about, joined by hyphens; each may be cut to the same share of bytes.
            suffix: Of the file, with its dot.
        """
        stem = "-".join(_cut(_plain(part), _LONGEST // len(parts)) for part in parts)
        name, number = f"{stem}{suffix}", 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem}-{number}{suffix}"
        self._taken.add(name.casefold())
        return name


def write_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture in the format of its file's name; it is there whole or not at all.

    Args:
        picture: In 8-bit RGB.
        path: Of a `.jpg` or `.png` file; replaced if it exists.

    Raises:
        ValueError: If the folder does not exist.
        OSError: If the disk is full; nothing is left behind.
    """
    with atomic_write_binary(path) as file:
        # Colours as fine as the light, or thin lines and small letters would be blurred.
        picture.save(file, _FORMATS[path.suffix], quality=90, subsampling=0)


def _plain(name: str) -> str:
    return re.sub(r"[^\w.,+()-]+", "_", unicodedata.normalize("NFC", name)).strip(". ") or "_"


def _cut(name: str, most: int) -> str:
    return name.encode("utf-8", "surrogateescape")[:most].decode("utf-8", "ignore")
