"""From a photograph to the square of pixels that a model sees."""

import numpy as np
import torch
from jaxtyping import UInt8
from PIL.Image import Image, Resampling
from torch import Tensor

from trmml.data.images import to_rgb

__all__ = ["square_pixels"]


def square_pixels(picture: Image, size: int) -> UInt8[Tensor, "3 {size} {size}"]:
    """Squeeze a picture to a square; bicubic, as the paper's recipe tests.

    Args:
        picture: In any mode; it goes through `to_rgb`.
        size: Side in pixels.

    Raises:
        BrokenImageError: As `to_rgb`; a ValueError.

    Examples:
        >>> from PIL.Image import new
        >>> square_pixels(new("L", (40, 20)), 10).shape
        torch.Size([3, 10, 10])
    """
    resized = to_rgb(picture).resize((size, size), Resampling.BICUBIC)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1)
