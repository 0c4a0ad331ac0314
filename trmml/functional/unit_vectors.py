"""Unit length that survives zero, tiny, huge and half-precision vectors."""

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["at_least_float32", "unit_vectors"]

SMALLEST: Final = 1e-12
"""Vectors without an entry above this count as zero; their direction would be rounding noise."""


def at_least_float32(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return half-precision values as float32, float32 and float64 ones as they are."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def unit_vectors(x: Float[Tensor, "*shape dim"]) -> Float[Tensor, "*shape dim"]:
    r"""Scale vectors to length one, so that dot products are cosines.

    $$ \hat x = \frac{x}{\lVert x \rVert_2}, \qquad \hat 0 = 0 $$

    Entries are divided by the largest one first: squares neither overflow nor vanish, and the
    gradient is exact because length does not matter to the result. Zero vectors stay zero and
    pass a finite gradient on.

    Source: the cosine of Eq. (1) and (8) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma
    et al., ACM Multimedia 2024).
    Differs from the paper: zero vectors, for which it is undefined, give zero.

    Args:
        x: Vectors of any length and any floating dtype, in the last axis.

    Returns:
        Vectors of length one, float32 for half-precision input.

    Examples:
        >>> import torch
        >>> unit_vectors(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
        tensor([[0.6000, 0.8000],
                [0.0000, 0.0000]])
    """
    x = at_least_float32(x)
    largest = x.detach().abs().amax(dim=-1, keepdim=True)
    x = x / torch.where(largest > SMALLEST, largest, 1)
    # Norms are now at least 1, or 0: the clamp stops the undefined gradient of the latter.
    return x / torch.linalg.vector_norm(x, dim=-1, keepdim=True).clamp_min(0.5)
