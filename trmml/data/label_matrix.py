"""Label matrices as NumPy arrays or tensors: checked on the way in, same kind on the way out."""

from typing import NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

__all__ = ["LabelMatrix", "Signs", "check_full_labels", "keep_where", "signs"]

LabelMatrix = TypeVar(
    "LabelMatrix", Shaped[np.ndarray, "rows classes"], Shaped[Tensor, "rows classes"]
)
"""A NumPy array or a tensor of labels; functions return the kind and dtype they were given."""


class Signs(NamedTuple):
    """Where a label matrix is positive and where it is negative; elsewhere it is unknown."""

    positive: Bool[np.ndarray, "rows classes"]
    negative: Bool[np.ndarray, "rows classes"]


def signs(labels: LabelMatrix) -> Signs:
    """Split labels into positive and negative entries.

    Raises:
        ValueError: If there are not two axes, or another value than -1, 0 and 1 occurs.
    """
    if labels.ndim != 2:
        raise ValueError(
            f"`labels` must have two axes, rows and classes, got shape {tuple(labels.shape)}."
        )
    positive, negative, unknown = (_to_numpy(labels == value) for value in (1, -1, 0))
    if not (positive | negative | unknown).all():
        row, column = np.argwhere(~(positive | negative | unknown))[0]
        raise ValueError(
            "`labels` must contain only -1 (negative), 0 (unknown) and 1 (positive), got "
            f"{labels[row, column].item()} at row {row}, class {column}; convert other codings "
            "with `trmml.data.to_signed`."
        )
    return Signs(positive, negative)


def check_full_labels(found: Signs) -> None:
    """Refuse 0/1 matrices: their 0 would silently mean unknown.

    Raises:
        ValueError: If there are unknown entries and positives, but no negative entry at all.
    """
    unknown = not (found.positive | found.negative).all()
    if unknown and found.positive.any() and not found.negative.any():
        raise ValueError(
            "`labels` must say -1 for negative, got only 0 and 1, and 0 means unknown; convert "
            'with `trmml.data.to_signed(labels, coding="zero_one")`.'
        )


def keep_where(labels: LabelMatrix, kept: Bool[np.ndarray, "rows classes"]) -> LabelMatrix:
    """Return labels with 0, unknown, outside `kept`; a copy of the same kind and dtype."""
    if isinstance(labels, Tensor):
        return torch.where(torch.from_numpy(kept).to(labels.device), labels, 0)
    return np.where(kept, labels, np.zeros((), labels.dtype))


def _to_numpy(mask: Shaped[np.ndarray, "..."] | Shaped[Tensor, "..."]) -> np.ndarray:
    return mask.cpu().numpy() if isinstance(mask, Tensor) else np.asarray(mask)
