"""Features of many images, computed once: the image tower is frozen."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from trmml.encoders.pixels import normalize_pixels
from trmml.encoders.protocol import ImageEncoder, ImageFeatures

__all__ = ["StoredFeatures", "encode_images"]


@dataclass(frozen=True)
class StoredFeatures:
    """Dense and pooled features of a set of images, in memory.

    Attributes:
        dense: One feature per image and position.
        pooled: One feature per image.
        grid: Height and width of the grid of positions.
    """

    dense: Float[Tensor, "batch positions dim"]
    pooled: Float[Tensor, "batch dim"]
    grid: tuple[int, int]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.dense)

    def __getitem__(self, rows: Int[Tensor, " rows"] | slice) -> ImageFeatures:
        """Return the features of some images."""
        return ImageFeatures(self.dense[rows], self.pooled[rows], self.grid)


@torch.no_grad()
def encode_images(
    encoder: ImageEncoder,
    batches: Iterable[UInt8[Tensor, "_ 3 height width"]],
    *,
    progress: Callable[[int], None] | None = None,
) -> StoredFeatures:
    """Encode images of one size, batch by batch.

    Args:
        encoder: Frozen image tower.
        batches: Pixels in [0, 255], not normalised.
        progress: Called with the number of images after each batch.

    Returns:
        Features in the order of the images.

    Raises:
        ValueError: If there is no image.
    """
    encoded: list[ImageFeatures] = []
    for pixels in batches:
        encoded.append(encoder(normalize_pixels(pixels, encoder)))
        if progress is not None:
            progress(len(pixels))
    if not encoded:
        raise ValueError("`batches` must hold at least one image, got none.")
    return StoredFeatures(
        torch.cat([features.dense for features in encoded]),
        torch.cat([features.pooled for features in encoded]),
        encoded[0].grid,
    )
