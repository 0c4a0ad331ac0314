"""Matching with the positions, or the words, that fit a text best."""

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.functional.checks import check_axes, check_temperature
from trmml.functional.full_precision import full_precision
from trmml.functional.unit_vectors import unit_vectors

__all__ = ["local_matching_scores"]


def local_matching_scores(
    features: Float[Tensor, "batch positions dim"],
    text_features: Float[Tensor, "classes dim"],
    *,
    temperature: float | Float[Tensor, ""],
    spatial_temperature: float | Float[Tensor, ""],
) -> Float[Tensor, "batch classes"]:
    r"""Match every position with every text, and average where they fit best.

    $$ s_{b,c} = \frac1\tau \sum_{n:\, f_{b,n} \ne 0} \operatorname{softmax}_n
       \Big(\frac{\cos(f_{b,n}, g_c)}{\tau_s}\Big)\, \cos(f_{b,n}, g_c) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f_{b,n}$ | `features` | position n of image b or word n of caption b, or zero |
    | $g_c$ | `text_features` | text embedding of category c, any length |
    | $\tau$ | `temperature` | sharpness of the scores, may be learnt |
    | $\tau_s$ | `spatial_temperature` | how far the average is spread over positions |

    Captions have different numbers of words: a position without any length is left out, and a
    caption without any position scores 0.

    Source: the local score of [TaI-DPT](https://arxiv.org/abs/2211.12739) (Guo et al., CVPR 2023).
    Differs from the paper: temperatures stand in the place of its fixed scales ($\tau$ = 1/4,
    $\tau_s$ = 1/50 for captions, 1/40 for images); padding is left out exactly.

    Args:
        features: Features of any length, in the joint space.
        text_features: One text embedding per category, in the same space.
        temperature: Divides the cosines, > 0.
        spatial_temperature: Divides the cosines that weigh positions, > 0. Towards 0 only the
            best position counts, large values weigh all alike.

    Returns:
        Scores in [-1/temperature, 1/temperature], float32 for half-precision input.

    Raises:
        ValueError: If shapes disagree, or a temperature is a number that is not finite and above 0.

    Examples:
        >>> features = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]])
        >>> text = torch.tensor([[1.0, 0.0]])
        >>> local_matching_scores(features, text, temperature=0.25, spatial_temperature=1e4)
        tensor([[2.0001]])
    """
    check_axes(
        features=(features, "batch positions dim"), text_features=(text_features, "classes dim")
    )
    check_temperature(temperature)
    check_temperature(spatial_temperature, argument="spatial_temperature")
    unit = unit_vectors(features)
    there = (unit != 0).any(dim=-1).unsqueeze(1)
    with full_precision(features.device):
        cosines = unit_vectors(text_features) @ unit.mT
    energy = torch.where(there, cosines / spatial_temperature, torch.finfo(cosines.dtype).min)
    weights = torch.where(there, energy.softmax(dim=-1), 0)
    return (weights * cosines).sum(dim=-1) / temperature
