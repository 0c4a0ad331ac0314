"""A region as light on a picture, smooth at the picture's own size, and the line around it."""

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

__all__ = ["outline", "region_light"]

EDGE: Final = 0.5
"""Share of the strongest position at which the line is drawn."""
SMALLEST: Final = 1e-6  # a region fainter than this is shown as none
FLATTEST: Final = 1e-4  # change of light per pixel, below which a distance would be without end


def region_light(
    heatmap: Float[Tensor, "rows columns"], size: tuple[int, int]
) -> Float[Tensor, "height width"]:
    """Return how strongly a class is seen at each pixel, 1 at the strongest.

    Relative to the strongest position, because a region's features are scored by direction alone:
    what is lit is what is scored. Between positions the light follows cubic curves, which have no
    corners.

    Args:
        heatmap: At least 0, of any size.
        size: Height and width of the picture.

    Returns:
        Values in [0, 1], on the CPU; all 0 where the heat map is.

    Examples:
        >>> region_light(torch.tensor([[0.0, 0.2]]), (1, 4))[0, -1]
        tensor(1.)
    """
    light = interpolate(
        heatmap.detach()[None, None].float().cpu(), size=size, mode="bicubic", align_corners=False
    )[0, 0].clamp_min(0)
    return light / light.amax().clamp_min(SMALLEST)


def outline(light: Float[Tensor, "height width"], *, width: float) -> Float[Tensor, "height width"]:
    """Return the opacity of a line where light falls to half, with edges as soft as a pen's.

    Args:
        light: As `region_light` gives it.
        width: Of the line, in pixels; up to one more is half covered.
    """
    if min(light.shape) < 2:  # too small for a line beside anything
        return torch.zeros_like(light)
    down, across = torch.gradient(light)
    slope = (down.square() + across.square()).sqrt().clamp_min(FLATTEST)
    distance = (light - EDGE).abs() / slope
    return ((width + 1) / 2 - distance).clamp(0, 1)
