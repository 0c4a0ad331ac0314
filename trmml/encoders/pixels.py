"""From pixels to what an image tower takes."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from trmml.encoders.protocol import ImageEncoder

__all__ = ["normalize_pixels"]


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
