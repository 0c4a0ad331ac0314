"""Category-aware regions: from queries and positions to energies, masks and features."""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.choices import check_choice
from trmml.functional.checks import check_axes
from trmml.functional.full_precision import full_precision
from trmml.functional.unit_vectors import at_least_float32

__all__ = [
    "Normalization",
    "attended_features",
    "dot_energy",
    "region_features",
    "region_mask",
]

Normalization = Literal["sigmoid", "softmax"]
"""How energies become a region: each position by itself, or all positions sharing one."""


def dot_energy(
    queries: Float[Tensor, "classes dim"], keys: Float[Tensor, "batch positions dim"]
) -> Float[Tensor, "batch classes positions"]:
    r"""Score each position against each category's query by a scaled dot product.

    $$ e_{b,c,n} = \frac{q_c \cdot k_{b,n}}{\sqrt d} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $q_c$ | `queries` | projected query of category c |
    | $k_{b,n}$ | `keys` | projected feature at position n of image b |
    | $e$ | the result | attention logit; its sigmoid is the region |

    Source: the attention logits of Eq. (2) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma
    et al., ACM Multimedia 2024).
    Differs from the paper: nothing.

    Args:
        queries: One query per category, already projected.
        keys: One key per position, already projected.

    Returns:
        Energies, unbounded, float32 for half-precision input.

    Raises:
        ValueError: If shapes disagree.

    Examples:
        >>> import torch
        >>> queries = torch.tensor([[2.0, 0.0, 0.0, 0.0]])
        >>> keys = torch.tensor([[[3.0, 0.0, 0.0, 1.0], [-1.0, 5.0, 0.0, 0.0]]])
        >>> dot_energy(queries, keys)
        tensor([[[ 3., -1.]]])
    """
    check_axes(queries=(queries, "classes dim"), keys=(keys, "batch positions dim"))
    queries, keys = at_least_float32(queries), at_least_float32(keys)
    with full_precision(keys.device):
        return torch.einsum("cd,bnd->bcn", queries / math.sqrt(queries.shape[-1]), keys)


def region_mask(
    energy: Float[Tensor, "batch classes positions"], *, normalization: Normalization = "sigmoid"
) -> Float[Tensor, "batch classes positions"]:
    r"""Turn energies into the region of each category, a soft mask over positions.

    $$ r_{b,c,n} = \sigma(e_{b,c,n}) \quad \text{or} \quad
       r_{b,c,\cdot} = \operatorname{softmax}_n(e_{b,c,n}) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $e$ | `energy` | attention logits |
    | $r$ | the result | share of position n in the region of category c |

    Source: Eq. (2) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024).
    Differs from the paper: softmax over positions is an option beside its sigmoid.

    Args:
        energy: Attention logits of each category at each position.
        normalization: "sigmoid" (paper) lets a region have any size, "softmax" gives each the
            total mass 1.

    Returns:
        Values in [0, 1], in the dtype of `energy`.

    Raises:
        ValueError: If `normalization` is another name.

    Examples:
        >>> import torch
        >>> region_mask(torch.tensor([[[0.0, 2.0]]]))
        tensor([[[0.5000, 0.8808]]])
    """
    check_choice(normalization, Normalization, argument="normalization")
    return energy.sigmoid() if normalization == "sigmoid" else energy.softmax(dim=-1)


def region_features(
    features: Float[Tensor, "batch positions dim"],
    energy: Float[Tensor, "batch classes positions"],
    *,
    normalization: Normalization = "sigmoid",
) -> Float[Tensor, "batch classes dim"]:
    r"""Gather one feature per category from its region, without leaving the joint space.

    $$ f^r_{b,c} = \sum_n r_{b,c,n} f_{b,n} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $r$ | `region_mask(energy)` | region of category c in image b |
    | $f$ | `features` | the encoder's own dense features, not projected |

    Source: Eq. (4) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia
    2024).
    Differs from the paper: nothing by default.

    Args:
        features: Dense features of the frozen encoder, comparable with text embeddings.
        energy: Attention logits of each category at each position.
        normalization: "sigmoid" (paper) or "softmax", as in `region_mask`. The length of the
            result depends on it, its direction is what matching uses.

    Returns:
        Region features, not normalised, in the wider dtype of the two inputs.

    Raises:
        ValueError: If shapes disagree, or `normalization` is another name.

    Examples:
        >>> import torch
        >>> features = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
        >>> region_features(features, torch.tensor([[[20.0, -20.0], [0.0, 0.0]]]))
        tensor([[[1.0000e+00, 2.0612e-09],
                 [5.0000e-01, 5.0000e-01]]])
    """
    check_axes(
        features=(features, "batch positions dim"), energy=(energy, "batch classes positions")
    )
    return _weighted_sum(region_mask(energy, normalization=normalization), features)


def attended_features(
    values: Float[Tensor, "batch positions dim"],
    energy: Float[Tensor, "batch classes positions"],
) -> Float[Tensor, "batch classes dim"]:
    r"""Average the projected values of each category's most energetic positions.

    $$ A_{b,c} = \sum_n \operatorname{softmax}_n(e_{b,c,n})\, v_{b,n} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $e$ | `energy` | attention logits |
    | $v$ | `values` | projected features, as in plain cross-attention |
    | $A$ | the result | input of the query branch, before its MLP |

    Source: the attention in Eq. (3) of [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et
    al., ACM Multimedia 2024).
    Differs from the paper: nothing.

    Args:
        values: One projected value per position.
        energy: Attention logits of each category at each position.

    Returns:
        Attended features, in the wider dtype of the two inputs.

    Raises:
        ValueError: If shapes disagree.

    Examples:
        >>> import torch
        >>> values = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
        >>> attended_features(values, torch.tensor([[[0.0, 0.0]]]))
        tensor([[[0.5000, 0.5000]]])
    """
    check_axes(values=(values, "batch positions dim"), energy=(energy, "batch classes positions"))
    return _weighted_sum(energy.softmax(dim=-1), values)


def _weighted_sum(
    weights: Float[Tensor, "batch classes positions"],
    features: Float[Tensor, "batch positions dim"],
) -> Float[Tensor, "batch classes dim"]:
    """Sum features over positions; encoder and head may work in different precision."""
    dtype = torch.promote_types(weights.dtype, features.dtype)
    with full_precision(features.device):
        return torch.einsum("bcn,bnd->bcd", weights.to(dtype), features.to(dtype))
