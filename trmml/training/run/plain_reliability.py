"""Promised against delivered, as a report keeps it."""

from math import isnan
from typing import Any

from jaxtyping import Float
from torch import Tensor

from trmml.labels import Labels
from trmml.metrics import reliability

__all__ = ["plain_reliability"]


def plain_reliability(
    probabilities: Float[Tensor, "images classes"], labels: Labels, *, bins: int = 10
) -> dict[str, Any]:
    """Return what `trmml.metrics.reliability` counts, as JSON knows it.

    Args:
        probabilities: In [0, 1].
        labels: +1, -1, and 0 where nothing is known, which is left out.
        bins: Of equal width, from 0 to 1.

    Returns:
        "count" in each bin, the mean "probability" of a positive label, and the share of them that
        is "present", both None where a bin is empty.

    Examples:
        >>> import torch
        >>> plain_reliability(torch.tensor([[0.25]]), torch.tensor([[1]]), bins=2)
        {'count': [1, 0], 'probability': [0.25, None], 'present': [1.0, None]}
    """
    counts, promised, present = reliability(probabilities, labels, bins=bins)
    shares = {"probability": promised.tolist(), "present": present.tolist()}
    return {"count": counts.tolist()} | {
        name: [None if isnan(value) else value for value in values]
        for name, values in shares.items()
    }
