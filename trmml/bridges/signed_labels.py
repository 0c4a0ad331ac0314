"""Labels as people have them in arrays, in this library's coding."""

from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from trmml.choices import check_choice
from trmml.labels import NEGATIVE, UNKNOWN

__all__ = ["ZeroMeaning", "signed_labels"]

ZeroMeaning = Literal["negative", "unknown"]
"""What 0 stands for among labels."""


def signed_labels(
    labels: Any,  # noqa: ANN401 - whatever NumPy makes an array of
    *,
    zero: ZeroMeaning | None = None,
) -> Int[Tensor, "images classes"]:
    """Return labels as +1, -1 and 0 for unknown.

    Args:
        labels: Numbers [images classes]: 1, -1, 0, and nan for unknown.
        zero: What 0 stands for. None looks: beside nan it is negative, beside -1 unknown; with
            both or with neither of them it may be either.

    Raises:
        ValueError: If there are other values, another shape, or 0 may mean two things.

    Examples:
        >>> signed_labels([[1, float("nan"), 0]]).tolist(), signed_labels([[1, 0, -1]]).tolist()
        ([[1, 0, -1]], [[1, 0, -1]])
    """
    if zero is not None:
        check_choice(zero, ZeroMeaning, argument="zero")
    try:
        values = np.asarray(labels, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`y` must be numbers [images classes]: {error}.") from None
    if values.ndim != 2:
        raise ValueError(f"`y` must be [images classes], got {list(values.shape)}.")
    unknown = np.isnan(values)
    others = values[~unknown & ~np.isin(values, (-1, 0, 1))]
    if len(others):
        raise ValueError(f"`y` must hold only 1, 0, -1 and nan, got also {others[0]:g}.")
    if zero is None and (values == 0).any():
        has_nan, has_negative = bool(unknown.any()), bool((values == -1).any())
        if has_nan == has_negative:
            beside = "both nan and -1" if has_nan else "neither nan nor -1"
            raise ValueError(
                f"`y` must show what 0 means, but beside it there is {beside}; say "
                '`zero="negative"` or `zero="unknown"`.'
            )
        zero = "negative" if has_nan else "unknown"
    signed = np.where(unknown, UNKNOWN, values)
    if zero == "negative":
        signed[values == 0] = NEGATIVE
    return torch.from_numpy(signed.astype(np.int8))
