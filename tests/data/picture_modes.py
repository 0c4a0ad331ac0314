"""A picture of every mode in Pillow, and files of the kinds that differ from their mode."""

from pathlib import Path

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

SIDE = 24
MODES = ("1", "L", "P", "LA", "PA", "RGBA", "RGBa", "La", "RGB", "RGBX", "CMYK", "YCbCr", "LAB")
MODES += ("HSV", "I", "I;16", "I;16B", "I;16L", "I;16N")
"""All but F, which is refused."""


def colours() -> Image.Image:
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    levels = np.stack([rows * 10, columns * 10, (rows + columns) * 5], -1)
    return Image.fromarray(levels.astype(np.uint8))


def picture(mode: str) -> Image.Image:
    """Return a picture of a mode, half transparent where the mode can say so."""
    if mode == "I" or mode.startswith("I;16"):
        levels = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) * 100
        kind = {"I": "<i4", "I;16B": ">u2"}.get(mode, "<u2")
        return Image.frombytes(mode, (SIDE, SIDE), levels.astype(kind).tobytes())
    clear = colours().convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize((SIDE, SIDE)))
    if mode in ("RGBA", "RGBa"):
        return clear.convert(mode)
    if mode in ("LA", "La"):
        return clear.convert("LA").convert(mode)
    if mode == "PA":
        return colours().quantize(16).convert("PA")
    return colours().convert(mode) if mode != "LAB" else lab()


def lab() -> Image.Image:
    return Image.merge("LAB", colours().split())


def tiff(path: Path, levels: np.ndarray, *, white_is_zero: bool = False) -> Path:
    """Write grey of any depth as a TIFF whose header says what 0 is."""
    tags = ImageFileDirectory_v2()
    tags[262] = 0 if white_is_zero else 1
    Image.fromarray(levels).save(path, tiffinfo=tags)
    return path
