"""From the pixels of any opened picture to 8-bit RGB, the one place where the library converts."""

import numpy as np
from PIL import Image

__all__ = ["NoRangeError", "rgb_pixels"]

_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0  # a tag of TIFF, and its value
_SIXTEEN_BITS = ("PNG", "PPM")  # what these formats call 16 bits older Pillows open as 32


class NoRangeError(ValueError):
    """Pixels of which nobody says what is black and what is white."""


def rgb_pixels(image: Image.Image) -> Image.Image:
    """Convert a loaded picture of any mode to RGB, 8 bits a channel; see `to_rgb`.

    Raises:
        NoRangeError: If the pixels are floating-point numbers, or 32-bit ones beyond 16 bits.
        ValueError: If Pillow knows no way from the picture's mode to RGB.
    """
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode == "F":
        raise NoRangeError("floating-point pixels; save it with 8 or 16 bits a channel")
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _from_levels(image)
    if image.mode == "La":
        image = image.convert("LA")
    if _has_transparency(image):
        opaque = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(opaque, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _from_levels(image: Image.Image) -> Image.Image:
    """Convert grey of more than 8 bits, of which nothing but the values tells how many."""
    levels = np.asarray(image)
    lowest, highest = levels.min(initial=0), levels.max(initial=0)
    if lowest < 0 or highest > 0xFFFF:
        raise NoRangeError("32-bit pixels beyond 65535; save it with 8 or 16 bits a channel")
    if highest <= 0xFF and image.mode == "I" and image.format not in _SIXTEEN_BITS:
        bits = 8
    else:
        bits = 12 if highest <= 0xFFF else 16
    clear = levels == image.info.get("transparency", -1)
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        levels = (1 << bits) - 1 - levels  # Pillow turns up to 8 bits, and leaves 16 as they are
    grey = (levels >> (bits - 8)).astype(np.uint8)
    grey[clear] = 0xFF
    return Image.fromarray(grey).convert("RGB")


def _has_transparency(image: Image.Image) -> bool:
    if image.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return True
    return image.mode == "P" and image.palette is not None and image.palette.mode.endswith("A")
