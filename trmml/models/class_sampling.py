"""Which categories a training step looks at where there are too many for all of them."""

import torch
from jaxtyping import Int
from torch import Tensor

from trmml.labels import POSITIVE, Labels

__all__ = ["sample_classes"]


def sample_classes(
    labels: Labels, num_sampled: int, *, generator: torch.Generator | None = None
) -> Int[Tensor, " sampled"]:
    """Draw categories for one step: those with a known positive first, others at random.

    With thousands of categories a batch shows few of them, and a step on these and some others as
    negatives costs a fraction of a step on all.

    With several processes all must draw the same: pass `trmml.distributed.gather_rows(labels)` and
    generators of one seed.

    Args:
        labels: Known labels of the batch in {-1, 0, +1}, of all categories.
        num_sampled: Categories to draw, >= 1. If more than that have a positive, a random part of
            these is drawn; if there are not as many categories, all are.
        generator: Source of the draw, on the CPU; None draws from the global state.

    Returns:
        Distinct indices in ascending order, on the labels' device.

    Raises:
        ValueError: If `num_sampled` is below 1.

    Examples:
        >>> labels = torch.zeros(2, 1000, dtype=torch.int8)
        >>> labels[0, 7] = labels[1, 500] = 1
        >>> classes = sample_classes(labels, 10)
        >>> len(classes), 7 in classes, 500 in classes
        (10, True, True)
    """
    if num_sampled < 1:
        raise ValueError(f"`num_sampled` must be at least 1, got {num_sampled}.")
    shown = (labels == POSITIVE).any(dim=0)
    draw = torch.rand(labels.shape[1], dtype=torch.float64, generator=generator)
    rank = draw.to(shown.device) + shown  # in [1, 2) for those with a positive, else below 1
    return rank.topk(min(num_sampled, labels.shape[1])).indices.sort().values
