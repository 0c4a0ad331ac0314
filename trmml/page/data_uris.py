"""The page's pictures: the photograph made small, and a veil that leaves a region lit."""

import base64
from io import BytesIO
from typing import Final, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from trmml.prediction.region_light import EDGE, region_light

__all__ = ["Veil", "photograph_uri", "thumbnail", "veil_over"]

LONGEST_SIDE: Final = 1024
THUMBNAIL_SIDE: Final = 256
VEIL_SIDE: Final = 112  # four to sixteen times a model's grid: smooth when a browser enlarges it
DARKEST: Final = 0.72


class Veil(NamedTuple):
    """What is laid over a photograph to leave a region lit; nothing of it depends on pixels.

    Attributes:
        uri: A dark picture, open where the region is, as a `data:` address.
        size: Width and height of the units that the outline counts in.
        outline: Path along which the light falls to one half, as an SVG writes it; empty where
            there is no region.
    """

    uri: str
    size: tuple[int, int]
    outline: str


def photograph_uri(photograph: Image.Image) -> str:
    """Return a photograph, at most 1024 pixels long, as a `data:` address."""
    small = photograph.copy()
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return _uri(small, "jpeg", quality=88)


def thumbnail(photograph: Image.Image) -> Image.Image:
    """Return a photograph, at most 256 pixels long, to click on."""
    small = photograph.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    return small


def veil_over(region: Float[Tensor, "rows columns"], size: tuple[int, int]) -> Veil:
    """Return a dark veil, open where a region is, and the region's outline.

    What is lit is what was scored. The light is relative to the strongest position, because a
    region's features are scored by direction alone; a line is drawn where it falls to one half.
    The line is a path, so that it is as sharp as the screen that it is shown on.

    Args:
        region: Values in [0, 1].
        size: Width and height of the photograph.
    """
    width, height = size
    scale = VEIL_SIDE / max(width, height)
    shape = (max(1, round(height * scale)), max(1, round(width * scale)))
    light = region_light(region, shape)
    opacity = (255 * DARKEST * (1 - light)).round().to(torch.uint8)
    pixels = torch.stack([torch.zeros_like(opacity), opacity], dim=-1)
    uri = _uri(Image.fromarray(np.asarray(pixels), "LA"), "png", optimize=True)
    return Veil(uri, (shape[1], shape[0]), _outline(light))


def _outline(light: Float[Tensor, "height width"]) -> str:
    """Return the path where the light crosses `OUTLINE`, closed but at the photograph's edges."""
    from contourpy import contour_generator

    if min(light.shape) < 2:
        return ""
    lines = contour_generator(z=light.numpy()).lines(EDGE)
    return "".join(
        "M" + "L".join(f"{x + 0.5:.1f} {y + 0.5:.1f}" for x, y in np.asarray(line).tolist())
        for line in lines
    )


def _uri(image: Image.Image, kind: str, **options: int) -> str:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
