"""The page's pictures: the photograph made small, and a veil that leaves a region lit."""

import base64
from io import BytesIO
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from trmml.prediction.region_light import outline, region_light

__all__ = ["photograph_uri", "veil_uri"]

LONGEST_SIDE: Final = 1024
VEIL_SIDE: Final = 384
DARKEST: Final = 0.72
OUTLINE_WIDTH: Final = 1.6
SOLID: Final = 0.9  # of the line


def photograph_uri(photograph: Image.Image) -> str:
    """Return a photograph, at most 1024 pixels long, as a `data:` address."""
    small = photograph.copy()
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return _uri(small, "jpeg", quality=88)


def veil_uri(region: Float[Tensor, "rows columns"], size: tuple[int, int]) -> str:
    """Return a dark veil, open where a region is, as a `data:` address.

    What is lit is what was scored. The light is relative to the strongest position, because a
    region's features are scored by direction alone; a line is drawn where it falls to one half.

    Args:
        region: Values in [0, 1].
        size: Width and height of the photograph.
    """
    width, height = size
    scale = VEIL_SIDE / max(width, height)
    shape = (max(1, round(height * scale)), max(1, round(width * scale)))
    light = region_light(region, shape)
    dark = DARKEST * (1 - light)
    line = SOLID * outline(light, width=OUTLINE_WIDTH)
    grey = (255 * line).round()
    # The line lies over the veil: white where it is, black elsewhere.
    opacity = (255 * (line + (1 - line) * dark)).round()
    pixels = torch.stack([grey, grey, grey, opacity], dim=-1).to(torch.uint8)
    return _uri(Image.fromarray(np.asarray(pixels), "RGBA"), "webp", quality=70, method=4)


def _uri(image: Image.Image, kind: str, **options: int) -> str:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
