"""Energies that start as the backbone's own match between texts and positions."""

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.functional.checks import check_axes
from trmml.functional.full_precision import full_precision
from trmml.functional.unit_vectors import unit_vectors

__all__ = ["aligned_calibration", "aligned_energy"]

SMALLEST_DEVIATION: Final = 1e-4
"""Spread of cosines below which positions count as alike; scale and bias still fit float16."""


def aligned_energy(
    queries: Float[Tensor, "classes dim"],
    keys: Float[Tensor, "batch positions dim"],
    *,
    scale: float | Float[Tensor, ""],
    bias: float | Float[Tensor, ""],
) -> Float[Tensor, "batch classes positions"]:
    r"""Score each position against each category's query by a scaled and shifted cosine.

    $$ e_{b,c,n} = s \cos(q_c, k_{b,n}) + b $$

    | symbol | in code | meaning |
    |---|---|---|
    | $q_c$ | `queries` | projected query of category c |
    | $k_{b,n}$ | `keys` | projected feature at position n of image b |
    | $s, b$ | `scale`, `bias` | learnable; `aligned_calibration` finds a start |

    With text embeddings as queries and projections that start as the identity, the region starts
    as the backbone's own text-to-position match instead of the whole image.

    Source: none; an alternative to the attention logits of Eq. (2) of
    [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia 2024).
    Differs from the paper: it does not say how the energies start; `dot_energy` is its form.

    Args:
        queries: One query per category, already projected, any length.
        keys: One key per position, already projected, any length.
        scale: Energy per unit of cosine. 0 makes every position equal.
        bias: Energy of a position with cosine 0. Very negative values empty the region.

    Returns:
        Energies in [bias - scale, bias + scale], float32 for half-precision input.

    Raises:
        ValueError: If shapes disagree.

    Examples:
        >>> import torch
        >>> queries = torch.tensor([[2.0, 0.0]])
        >>> keys = torch.tensor([[[3.0, 0.0], [0.0, 1.0]]])
        >>> aligned_energy(queries, keys, scale=10.0, bias=-5.0)
        tensor([[[ 5., -5.]]])
    """
    for argument, value in (("scale", scale), ("bias", bias)):
        if isinstance(value, Tensor):
            check_axes(**{argument: (value, "")})
    return scale * _cosines(queries, keys) + bias


def aligned_calibration(
    queries: Float[Tensor, "classes dim"],
    keys: Float[Tensor, "batch positions dim"],
    *,
    num_deviations: float = 2.0,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    r"""Find the scale and bias with which aligned energies start well spread and mostly closed.

    $$ s = 2 / \operatorname{sd}, \qquad b = -s\,(\operatorname{mean} + k \operatorname{sd}) $$

    | symbol | in code | meaning |
    |---|---|---|
    | mean, sd | over `queries` × `keys` | of all cosines, each image, category and position |
    | $k$ | `num_deviations` | deviations above the mean where the region is half open |
    | $s, b$ | the result | `scale` and `bias` of `aligned_energy` |

    Source: none; the start of `aligned_energy`, which
    [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia 2024) leaves open.
    Differs from the paper: it does not say how the energies start.

    Args:
        queries: One query per category, as `aligned_energy` will get them.
        keys: Keys of a typical batch, as `aligned_energy` will get them.
        num_deviations: How rare an open position is. 0 opens half of the positions, large values
            hardly any.

    Returns:
        Scale and bias, at least float32. Where all cosines agree the scale stays finite.

    Raises:
        ValueError: If shapes disagree, or there is no query or no key to look at.

    Examples:
        >>> import torch
        >>> scale, bias = aligned_calibration(torch.randn(5, 8), torch.randn(2, 9, 8))
        >>> bool(scale > 0), bool(bias < 0)
        (True, True)
    """
    cosines = _cosines(queries, keys)
    if cosines.numel() == 0:
        raise ValueError(
            "`queries` and `keys` must hold at least one vector each, got shapes "
            f"{tuple(queries.shape)} and {tuple(keys.shape)}; calibrate on a typical batch."
        )
    deviation = cosines.std(correction=0).clamp_min(SMALLEST_DEVIATION)
    scale = 2 / deviation
    return scale, -scale * (cosines.mean() + num_deviations * deviation)


def _cosines(
    queries: Float[Tensor, "classes dim"], keys: Float[Tensor, "batch positions dim"]
) -> Float[Tensor, "batch classes positions"]:
    """Return the cosine of each query with each key."""
    check_axes(queries=(queries, "classes dim"), keys=(keys, "batch positions dim"))
    with full_precision(keys.device):
        return torch.einsum("cd,bnd->bcn", unit_vectors(queries), unit_vectors(keys))
