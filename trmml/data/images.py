"""Decode any photograph to 8-bit RGB the right way up, or say exactly why it cannot be."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

__all__ = ["IMAGE_SUFFIXES", "BrokenImageError", "decode_image", "image_size"]

IMAGE_SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".avif"}
)
"""What the names of photographs end in, in lower case."""

_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class BrokenImageError(ValueError):
    """A file that cannot be decoded to an image.

    Attributes:
        path: The file.
        reason: What is wrong with it.
    """

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        """Say which file is broken, and why."""
        super().__init__(f"{os.fspath(path)}: {reason}")
        self.path = Path(path)
        self.reason = reason

    def __reduce__(self) -> tuple[type["BrokenImageError"], tuple[str, str]]:
        """Let the error travel from a loader's worker process."""
        return type(self), (os.fspath(self.path), self.reason)


def decode_image(path: str | os.PathLike[str], *, min_side: int | None = None) -> Image.Image:
    """Decode an image file to RGB, 8 bits a channel.

    The EXIF rotation is applied, a palette is looked up, CMYK and other colour spaces are
    converted, 16-bit channels keep their upper 8 bits, transparency is laid over white, and of
    several frames the first counts.

    Args:
        path: A file in any format Pillow reads.
        min_side: If given, a JPEG is decoded at 1/2, 1/4 or 1/8 of its size as long as both sides
            stay at least this long: two to four times faster for photographs much larger than the
            model's input, with slightly different pixels. None decodes in full.

    Returns:
        A loaded image in mode "RGB".

    Raises:
        BrokenImageError: If the file is missing, empty, truncated, or no image; a ValueError.

    Examples:
        >>> decode_image("no_such_file.jpg")
        Traceback (most recent call last):
        trmml.data.images.BrokenImageError: no_such_file.jpg: the file does not exist
    """
    if min_side is not None and min_side < 1:
        raise ValueError(f"`min_side` must be at least 1, got {min_side}.")
    with _opened(path) as image:
        if min_side is not None:
            image.draft(None, (min_side, min_side))
        image.load()
        return _upright(_to_rgb(image, path), image)


def image_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Read an image's stored width and height from its header, without decoding it.

    Finds missing, empty and foreign files, not truncated ones.

    Raises:
        BrokenImageError: As `decode_image`.
    """
    with _opened(path) as image:
        return image.size


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """Open an image, and name the file and the reason whatever fails inside."""
    try:
        if os.stat(path).st_size == 0:  # noqa: PTH116 - half the cost of Path in the loading loop
            raise BrokenImageError(path, "the file is empty (0 bytes)")
        with Image.open(path) as image:
            yield image
    except BrokenImageError:
        raise
    except FileNotFoundError:
        raise BrokenImageError(path, "the file does not exist") from None
    except IsADirectoryError:
        raise BrokenImageError(path, "this is a folder, not a file") from None
    except Image.UnidentifiedImageError:
        raise BrokenImageError(path, "not an image, or in a format that is not known") from None
    except Image.DecompressionBombError as error:
        raise BrokenImageError(path, f"too large to decode safely: {error}") from error
    except Exception as error:  # decoders meet damaged bytes with errors of every kind
        if isinstance(error, OSError) and error.errno is not None:
            raise BrokenImageError(path, f"cannot be read: {error.strerror}") from error
        raise BrokenImageError(path, f"damaged or truncated: {error}") from error


def _upright(pixels: Image.Image, source: Image.Image) -> Image.Image:
    try:
        orientation = source.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # damaged metadata does not spoil the pixels
        return pixels
    turn = _TURNS.get(orientation)
    if turn is None:
        return pixels
    upright = pixels.transpose(turn)
    upright.info.clear()  # what it says of the orientation would have others turn it once more
    return upright


def _to_rgb(image: Image.Image, path: str | os.PathLike[str]) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode == "I" or image.mode.startswith("I;16"):
        levels = np.asarray(image)
        if levels.min() < 0 or levels.max() > 0xFFFF:
            raise BrokenImageError(path, "32-bit pixels; save it with 8 or 16 bits a channel")
        return Image.fromarray((levels >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise BrokenImageError(path, "floating-point pixels; save it with 8 or 16 bits a channel")
    if "A" in image.getbands() or "transparency" in image.info:
        opaque = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(opaque, image.convert("RGBA")).convert("RGB")
    try:
        return image.convert("RGB")
    except ValueError as error:
        raise BrokenImageError(path, f"no known way from {image.mode} to RGB: {error}") from error
