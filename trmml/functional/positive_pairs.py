"""The images and categories of known positives, few among many."""

from typing import Final

import torch
from jaxtyping import Int
from torch import Tensor

from trmml.functional.values_at_hand import values_are_at_hand
from trmml.labels import POSITIVE, Labels

__all__ = ["NOBODY", "most_positives_of", "positive_pairs"]

NOBODY: Final = -1
"""Owner of what is listed but not there."""


def positive_pairs(
    labels: Labels, *, most: int | None = None
) -> tuple[Int[Tensor, " pairs"], Int[Tensor, " pairs"], Int[Tensor, " pairs"]]:
    """List the known positives, image by image.

    Where values are at hand these are listed alone. Elsewhere each image has a fixed number of
    entries, and those that are not there have the owner -1, but an image and a category to look at.

    Args:
        labels: Labels of the batch.
        most: Known positives that no image has more of; None allows all categories. Without need of
            it, it is not read.

    Returns:
        Image, category and owner of each; the owner is the category, or -1.

    Examples:
        >>> images, columns, owners = positive_pairs(torch.tensor([[0, 1], [1, 1], [-1, 0]]))
        >>> images.tolist(), columns.tolist(), owners.tolist()
        ([0, 1, 1], [1, 0, 1], [1, 0, 1])
    """
    positive = labels == POSITIVE
    if values_are_at_hand(labels):
        images, columns = positive.nonzero(as_tuple=True)
        return images, columns, columns
    batch, classes = labels.shape
    count = classes if most is None else min(most, classes)
    there, columns = positive.to(torch.uint8).topk(count, dim=1)
    images = torch.arange(batch, device=labels.device)[:, None].expand_as(columns)
    owners = torch.where(there > 0, columns, NOBODY)
    return images.flatten(), columns.flatten(), owners.flatten()


def most_positives_of(labels: Labels) -> int:
    """Return the most known positives that an image has; 0 for no images.

    Args:
        labels: Of all images that a batch may be of, where the host has them.

    Examples:
        >>> most_positives_of(torch.tensor([[0, 1], [1, 1], [-1, 0]]))
        2
    """
    return max((labels == POSITIVE).sum(dim=1).tolist(), default=0)
