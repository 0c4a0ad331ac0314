"""The one coding of labels: +1 positive, -1 negative, 0 unknown.

Everything in this library speaks it; other codings are converted at the border.
"""

from typing import Final

from jaxtyping import Bool, Float, Int
from torch import Tensor

__all__ = ["NEGATIVE", "POSITIVE", "UNKNOWN", "Labels", "check_labels", "known_mask"]

POSITIVE: Final = 1
NEGATIVE: Final = -1
UNKNOWN: Final = 0

Labels = Int[Tensor, "batch classes"] | Float[Tensor, "batch classes"]
"""Labels of a batch, integer or floating point, holding only -1, 0 and +1."""


def known_mask(labels: Labels) -> Bool[Tensor, "batch classes"]:
    """Return where a label is known: exactly +1 or -1. Any other value is as unknown as 0."""
    return (labels == POSITIVE) | (labels == NEGATIVE)


def check_labels(labels: Labels, *, argument: str = "labels") -> None:
    """Refuse anything that is not -1, 0 or +1.

    Reads the values back from the device, so training code calls it at its border, once a batch,
    and the functional layer does not.

    Args:
        labels: Labels to check.
        argument: Name to use in the error.

    Raises:
        ValueError: If another value occurs, with the values found and the usual mistake.
    """
    wrong = (labels != POSITIVE) & (labels != NEGATIVE) & (labels != UNKNOWN)
    if bool(wrong.any()):
        found = sorted({float(value) for value in labels[wrong].unique()[:5]})
        raise ValueError(
            f"`{argument}` must contain only -1 (negative), 0 (unknown) and 1 (positive), got also "
            f"{found}; convert other codings with `trmml.data`, or clean the source."
        )
