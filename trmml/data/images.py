"""Decode any photograph to 8-bit RGB the right way up, or say exactly why it cannot be."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from trmml.data.image_formats import foreign_format, readable_formats
from trmml.data.rgb_pixels import NoRangeError, rgb_pixels
from trmml.regular_files import irregular_kind

__all__ = ["BrokenImageError", "decode_bytes", "decode_image", "image_size", "to_rgb"]


class BrokenImageError(ValueError):
    """A file that cannot be decoded to an image.

    Attributes:
        path: The file.
        reason: What is wrong with it.
    """

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        """Say which file is broken, and why."""
        super().__init__(f"{os.fspath(path)}: {reason}")
        self._named = os.fspath(path)  # an address, of which a path would drop a slash
        self.path = Path(path)
        self.reason = reason

    def __reduce__(self) -> tuple[type["BrokenImageError"], tuple[str, str]]:
        """Let the error travel from a loader's worker process."""
        return type(self), (self._named, self.reason)


def decode_image(path: str | os.PathLike[str], *, min_side: int | None = None) -> Image.Image:
    """Decode an image file to RGB, 8 bits a channel, the right way up; see `to_rgb`.

    What the file holds decides, not its name. Only the formats that `IMAGE_SUFFIXES` stands for
    are opened, and HEIF where pillow-heif's `register_heif_opener()` was called.

    Args:
        path: A plain file; a pipe or a device is refused, not waited for.
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
        return _rgb(image)


def decode_bytes(content: bytes, *, name: str) -> Image.Image:
    """Decode what a file holds, by the rules of `decode_image`.

    Args:
        content: Of the whole file.
        name: What errors call it.

    Returns:
        A loaded image in mode "RGB".

    Raises:
        BrokenImageError: As `decode_image`.
    """
    with _named(name):
        if not content:
            raise BrokenImageError(name, "the file is empty (0 bytes)")
        try:
            image = Image.open(BytesIO(content), formats=readable_formats())
        except Image.UnidentifiedImageError:
            raise BrokenImageError(name, _unidentified(content[:16])) from None
        with image:
            return _rgb(image)


def to_rgb(image: Image.Image) -> Image.Image:
    """Turn any picture that Pillow opened into upright 8-bit RGB, as every road in does.

    - The EXIF rotation is applied, and of several frames the first, or the one sought, counts.
    - Transparency is laid over white; palettes, CMYK and other colour spaces are converted.
    - 16-bit channels keep their upper 8 bits. Grey of 16 bits with no value above 4095 holds the
      12 bits of a sensor, and keeps the upper 8 of these; its file has no place to say so.
    - 32-bit integers with no value above 255 hold 8 bits, with none above 65535 as 16-bit ones.
    - A TIFF's 16-bit grey in which 0 is white is inverted, if it comes as `Image.open` gave it.

    Args:
        image: Opened, loaded or made, in any mode; it is left as it is.

    Returns:
        An image in mode "RGB"; the same one if there was nothing to do.

    Raises:
        BrokenImageError: If the file behind it is damaged, or the pixels are floating-point
            numbers or larger integers, of which nobody knows what is white; a ValueError.

    Examples:
        >>> to_rgb(Image.new("RGBA", (4, 4), (0, 0, 0, 0))).getpixel((0, 0))
        (255, 255, 255)
    """
    with _named(os.fsdecode(getattr(image, "filename", "") or "the picture")):
        return _rgb(image)


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
    with _named(path):
        status = os.stat(path)  # noqa: PTH116 - half the cost of Path in the loading loop
        if not stat.S_ISREG(status.st_mode):
            raise BrokenImageError(path, f"this is {irregular_kind(path)}, not a file")
        if status.st_size == 0:
            raise BrokenImageError(path, "the file is empty (0 bytes)")
        try:
            image = Image.open(path, formats=readable_formats())
        except Image.UnidentifiedImageError:
            with Path(path).open("rb") as file:
                start = file.read(16)
            raise BrokenImageError(path, _unidentified(start)) from None
        with image:
            yield image


@contextmanager
def _named(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except BrokenImageError:
        raise
    except NoRangeError as error:
        raise BrokenImageError(path, str(error)) from None
    except FileNotFoundError:
        raise BrokenImageError(path, "the file does not exist") from None
    except Image.DecompressionBombError as error:
        raise BrokenImageError(path, f"too large to decode safely: {error}") from error
    except Exception as error:  # decoders meet damaged bytes with errors of every kind
        if isinstance(error, OSError) and error.errno is not None:
            raise BrokenImageError(path, f"cannot be read: {error.strerror}") from error
        raise BrokenImageError(path, f"damaged or truncated: {error}") from error


def _unidentified(start: bytes) -> str:
    foreign = foreign_format(start)
    if foreign is not None:
        return f"in a format that is not read ({foreign}); save it as JPEG or PNG"
    if start.startswith((b"II*\0", b"MM\0*")):
        return "a TIFF of a kind that is not read, or damaged; save it as JPEG or PNG"
    return "not an image, or in a format that is not known"


def _rgb(image: Image.Image) -> Image.Image:
    image.load()
    return _upright(rgb_pixels(image), image)


def _upright(pixels: Image.Image, source: Image.Image) -> Image.Image:
    try:
        pixels.getexif().update(source.getexif())
        ImageOps.exif_transpose(pixels, in_place=True)
    except Exception:  # damaged metadata does not spoil the pixels
        return pixels
    pixels.info.clear()  # what it says of the orientation would have others turn it once more
    return pixels
