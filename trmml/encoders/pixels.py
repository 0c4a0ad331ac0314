"""From pixels to what an image tower takes."""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL.Image import Image, Resampling
from torch import Tensor

from trmml.encoders.protocol import ImageEncoder

__all__ = ["normalize_pixels", "square_pixels"]


def square_pixels(picture: Image, size: int) -> UInt8[Tensor, "3 {size} {size}"]:
    """Squeeze a picture to a square; bicubic, as the paper's recipe tests.

    Args:
        picture: In any mode, the right way up.
        size: Side in pixels.
    """
    resized = picture.convert("RGB").resize((size, size), Resampling.BICUBIC)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1)


def normalize_pixels(
    pixels: UInt8[Tensor, "*batch 3 height width"], encoder: ImageEncoder
) -> Float[Tensor, "*batch 3 height width"]:
    """Scale 8-bit pixels to [0, 1] and normalise each channel as `encoder` was trained with.

    Args:
        pixels: Red, green and blue in [0, 255].
        encoder: The tower that will see them.
    """
    statistics = torch.tensor((encoder.mean, encoder.std), device=pixels.device)
    mean, std = statistics[:, :, None, None]
    return (pixels / 255 - mean) / std
