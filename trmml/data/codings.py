"""Convert between the peers' label codings and this library's +1, -1, 0."""

from typing import Final, Literal

import numpy as np
import torch
from torch import Tensor

from trmml.choices import check_choice
from trmml.data.label_matrix import LabelMatrix, signs

__all__ = ["CODINGS", "Coding", "from_signed", "to_signed"]

Coding = Literal["signed", "zero_one", "unknown_minus_one", "observed"]

CODINGS: Final[dict[str, dict[int, int]]] = {
    "signed": {1: 1, -1: -1, 0: 0},
    "zero_one": {1: 1, 0: -1},
    "unknown_minus_one": {1: 1, 0: -1, -1: 0},
    "observed": {1: 1, 0: 0},
}
"""For each coding, what its values mean here: +1 positive, -1 negative, 0 unknown."""


def to_signed(labels: LabelMatrix, *, coding: Coding) -> LabelMatrix:
    """Convert labels of a peer's coding to +1 positive, -1 negative, 0 unknown.

    | coding | positive | negative | unknown | used by |
    |---|---|---|---|---|
    | `"signed"` | 1 | -1 | 0 | this library, HCP, TaI-DPT, the paper |
    | `"zero_one"` | 1 | 0 | | full matrices of SPML, scikit-learn, most spreadsheets |
    | `"unknown_minus_one"` | 1 | 0 | -1 | DualCoOp, CSL |
    | `"observed"` | 1 | | 0 | single-positive matrices of SPML and LargeLoss, SPLC's lists |

    Args:
        labels: A NumPy array or a tensor of numbers; unsigned and boolean ones become int8.
        coding: What the values of `labels` mean.

    Returns:
        A new matrix of the same kind and device, and dtype where it can hold -1.

    Raises:
        ValueError: If the coding is unknown or a value is not in it.

    Examples:
        >>> to_signed(torch.tensor([[1, 0, -1]]), coding="unknown_minus_one")
        tensor([[ 1, -1,  0]])
    """
    return _recode(labels, _meaning(coding), source=f'coding "{coding}"')


def from_signed(labels: LabelMatrix, *, coding: Coding) -> LabelMatrix:
    """Convert this library's labels to a peer's coding; the inverse of `to_signed`.

    Args:
        labels: +1, -1, or 0 for unknown, as a NumPy array or a tensor.
        coding: The coding to produce, as in `to_signed`.

    Returns:
        A new matrix of the same kind, dtype and device.

    Raises:
        ValueError: If the coding is unknown, or cannot express a value that occurs: `"zero_one"`
            has no unknown, `"observed"` no negative.

    Examples:
        >>> from_signed(torch.tensor([[1, -1, 0]]), coding="unknown_minus_one")
        tensor([[ 1,  0, -1]])
    """
    signs(labels)
    inverse = {here: there for there, here in _meaning(coding).items()}
    return _recode(labels, inverse, source=f'labels that coding "{coding}" can express')


def _meaning(coding: str) -> dict[int, int]:
    check_choice(coding, Coding, argument="coding")
    return CODINGS[coding]


def _recode(labels: LabelMatrix, table: dict[int, int], *, source: str) -> LabelMatrix:
    if isinstance(labels, Tensor):
        dtype = torch.int8 if labels.dtype in (torch.bool, torch.uint8) else labels.dtype
        result, missing = torch.zeros_like(labels, dtype=dtype), torch.ones_like(labels).bool()
    else:
        dtype = np.dtype(np.int8) if labels.dtype.kind in "bu" else labels.dtype
        result, missing = np.zeros(labels.shape, dtype), np.ones(labels.shape, dtype=bool)
    for value, meaning in table.items():
        here = labels == value
        result[here] = meaning
        missing &= ~here
    if bool(missing.any()):
        raise ValueError(
            f"`labels` must hold only {', '.join(map(str, sorted(table)))} ({source}), got also "
            f"{labels[missing][0].item()}."
        )
    return result
