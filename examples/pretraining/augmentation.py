"""What a picture may look like otherwise without showing anything else."""

import numpy as np
import torch
from torch import Tensor

from trmml.encoders.tiny import TINY_CONFIG

__all__ = ["augment", "normalise", "roughen"]


def augment(pixels: np.ndarray, random: np.random.RandomState, *, size: int) -> Tensor:
    """Cut out a part almost as large, mirror, brighten and tint."""
    count, margin = len(pixels), pixels.shape[-1] - size + 1
    images = np.empty((count, 3, size, size), dtype=np.uint8)
    for index, (y, x) in enumerate(random.randint(margin, size=(count, 2))):
        part = pixels[index, :, y : y + size, x : x + size]
        images[index] = part[..., ::-1] if random.random_sample() < 0.5 else part
    gain = random.uniform(0.6, 1.3, size=(count, 1, 1, 1)) * random.uniform(
        0.9, 1.1, size=(count, 3, 1, 1)
    )
    return torch.from_numpy(images) * torch.from_numpy(gain).float()


def roughen(images: Tensor, random: np.random.RandomState, *, recoloured: np.ndarray) -> Tensor:
    """Swap the colour channels of some pictures; vary contrast, light and tint; add grain."""
    count = len(images)
    for index in recoloured.nonzero()[0]:
        images[index] = images[index, random.permutation(3)]
    gain = random.uniform(0.6, 1.15, size=(count, 1, 1, 1)) * random.uniform(
        0.85, 1.15, size=(count, 3, 1, 1)
    )
    contrast = torch.from_numpy(random.uniform(0.5, 1.2, size=(count, 1, 1, 1))).float()
    grain = torch.from_numpy(random.uniform(0.0, 12.0, size=(count, 1, 1, 1))).float()
    middle = images.mean(dim=(1, 2, 3), keepdim=True)
    images = middle + (images - middle) * contrast
    images *= torch.from_numpy(gain).float()
    generator = torch.Generator().manual_seed(int(random.randint(2**31)))
    images += grain * torch.randn(images.shape, generator=generator)
    return images.clamp_(0.0, 255.0)


def normalise(pixels: Tensor) -> Tensor:
    """Turn pixels in [0, 255] into what the image tower takes."""
    mean, std = (torch.tensor(TINY_CONFIG[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    return ((pixels / 255.0 - mean) / std).contiguous(memory_format=torch.channels_last)
