"""Scores are numbers: what is none is an error, never "absent"."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["require_finite_scores"]


def require_finite_scores(
    logits: Float[Tensor, "batch classes"],
    class_names: Sequence[str],
    *,
    image: Callable[[int], str],
) -> None:
    """Refuse logits among which is nan or infinity.

    A look at the values waits for the device, so it is for prediction, not for training; in a graph
    that is being captured nothing is looked at.

    Args:
        logits: Of a batch.
        class_names: One for each class.
        image: Names the image at a place of the batch, for the message.

    Raises:
        FloatingPointError: With the first image and class without a score.

    Examples:
        >>> logits = torch.tensor([[0.5, 1.0], [-2.0, torch.nan]])
        >>> require_finite_scores(logits, ["tree", "boat"], image=lambda place: f"image {place}")
        Traceback (most recent call last):
            ...
        FloatingPointError: The score of 'boat' in image 1 must be a finite number, got nan; a \
weight of the model is none, or the computation overflows: take an earlier model, or float32.
    """
    if torch.compiler.is_compiling():
        return
    finite = logits.isfinite()
    if bool(finite.all()):
        return
    place, column = (~finite).nonzero()[0].tolist()
    raise FloatingPointError(
        f"The score of {class_names[column]!r} in {image(place)} must be a finite number, got "
        f"{float(logits[place, column])}; a weight of the model is none, or the computation "
        "overflows: take an earlier model, or float32."
    )
