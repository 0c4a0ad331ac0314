"""The page's pictures: the photograph made small, and a veil that leaves a region lit."""

import base64
from io import BytesIO
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

__all__ = ["photograph_uri", "veil_uri"]

LONGEST_SIDE: Final = 1024
VEIL_SIDE: Final = 384
DARKEST: Final = 0.72
SMALLEST: Final = 1e-6  # a region fainter than this is shown as none
OUTLINE: Final = 0.5  # share of the strongest position at which the line is drawn
OUTLINE_WIDTH: Final = 1.3


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
    light = interpolate(
        region[None, None].float(), size=shape, mode="bicubic", align_corners=False
    )[0, 0].clamp(0, 1)
    light = light / light.amax().clamp_min(SMALLEST)
    dark = DARKEST * (1 - light)
    line = _outline(light)
    grey = (255 * line).round()
    # The line lies over the veil: white where it is, black elsewhere.
    opacity = (255 * (line + (1 - line) * dark)).round()
    pixels = torch.stack([grey, grey, grey, opacity], dim=-1).to(torch.uint8)
    return _uri(Image.fromarray(np.asarray(pixels), "RGBA"), "webp", quality=70, method=4)


def _outline(light: Float[Tensor, "height width"]) -> Float[Tensor, "height width"]:
    """Return the opacity of a smooth line where the light crosses `OUTLINE`."""
    if min(light.shape) < 2:
        return torch.zeros_like(light)
    down, across = torch.gradient(light)
    distance = (light - OUTLINE).abs() / (down.square() + across.square()).sqrt().clamp_min(1e-4)
    return (OUTLINE_WIDTH - distance).clamp(0, 1) * 0.9


def _uri(image: Image.Image, kind: str, **options: int) -> str:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
