"""Which unknown labels seem too likely to be positive to be taken for negative."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from trmml.distributed import gather_rows
from trmml.functional.checks import check_axes

__all__ = ["likely_positives"]


def likely_positives(
    logits: Float[Tensor, "batch classes"],
    unknown: Bool[Tensor, "batch classes"],
    *,
    per_image: int,
    gather_distributed: bool = False,
) -> Bool[Tensor, "batch classes"]:
    """Return the unknown labels of the highest logits in the batch, so many an image on average.

    Never more: of equal logits at the border none is returned, so that it does not matter in which
    order images and classes come. Nor is nan, which the loss then shows.

    Args:
        logits: Scores; those of known labels may hold anything.
        unknown: Where a label is unknown.
        per_image: How many, times the number of images.
        gather_distributed: Whether the batch is that of all processes of `torch.distributed`.

    Examples:
        >>> logits = torch.tensor([[3.0, 2.0, 1.0], [4.0, 0.0, 0.0]])
        >>> likely_positives(logits, torch.ones(2, 3, dtype=torch.bool), per_image=1)
        tensor([[ True, False, False],
                [ True, False, False]])
    """
    check_axes(logits=(logits, "batch classes"), unknown=(unknown, "batch classes"))
    scores = torch.where(unknown, logits.detach(), -math.inf)
    everyone = gather_rows(scores) if gather_distributed else scores
    number = per_image * everyone.shape[0]
    if number >= everyone.numel():
        return scores > -math.inf
    first_kept = everyone.flatten().topk(number + 1).values[-1]
    return scores > first_kept
