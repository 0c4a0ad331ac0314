"""Which files are photographs: by what their names end in, and by what they hold."""

from typing import Final

from PIL import Image

__all__ = ["IMAGE_SUFFIXES", "foreign_format", "readable_formats"]

IMAGE_SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"}
    | {".avif", ".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".pnm"}
)
"""What the names of photographs end in, in lower case."""

# Whatever a file is called, nothing else is opened: Pillow knows forty formats more, and hands
# PostScript to another program, which runs it. HEIF is there where pillow-heif was registered.
_FORMATS = (
    *("JPEG", "MPO", "PNG", "BMP", "WEBP", "TIFF", "GIF", "AVIF", "JPEG2000", "PPM", "HEIF"),
)

_STARTS: Final = (
    (0, b"%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "EPS"),
    (0, b"%PDF", "PDF"),
    (0, b"8BPS", "Photoshop"),
    (0, b"<svg", "SVG"),
    (0, b"<?xml", "XML or SVG"),
    (0, b"\xff\x0a", "JPEG XL"),
    (4, b"JXL ", "JPEG XL"),
    (4, b"ftyphe", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
    (4, b"ftyp", "a film"),
    (0, b"\x1aE\xdf\xa3", "a film"),
    (0, b"PK\x03\x04", "ZIP"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\x00\x00\x01\x00", "an icon"),
    (0, b"qoif", "QOI"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"DDS ", "DDS"),
)


def readable_formats() -> list[str]:
    """Return the formats that may be opened and that this Pillow reads, under Pillow's names."""
    if any(name not in Image.OPEN for name in _FORMATS):
        Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def foreign_format(start: bytes) -> str | None:
    r"""Name what a file is that is not read, by its first bytes alone.

    Args:
        start: The first 16 bytes, or more.

    Examples:
        >>> foreign_format(b"%!PS-Adobe-3.0 EPSF-3.0")
        'PostScript'
        >>> foreign_format(b"\x89PNG") is None
        True
    """
    matches = (name for place, sign, name in _STARTS if start[place:].startswith(sign))
    return next(matches, None)
