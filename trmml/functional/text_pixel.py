"""Text-pixel matching, the aggregation that text-region matching replaces."""

from jaxtyping import Float
from torch import Tensor

from trmml.functional.checks import check_axes, check_temperature
from trmml.functional.full_precision import full_precision
from trmml.functional.unit_vectors import unit_vectors

__all__ = ["text_pixel_logits"]


def text_pixel_logits(
    features: Float[Tensor, "batch positions dim"],
    positive: Float[Tensor, "classes dim"],
    negative: Float[Tensor, "classes dim"],
    *,
    temperature: float | Float[Tensor, ""],
    spatial_temperature: float | Float[Tensor, ""],
) -> tuple[Float[Tensor, "batch classes"], Float[Tensor, "batch classes positions"]]:
    r"""Match every position with the text, and average where the positive text matches best.

    $$ e_{b,c,n} = \frac{\cos(f_{b,n}, g^+_c) - \cos(f_{b,n}, g^-_c)}{\tau}, \qquad
       z_{b,c} = \sum_n \operatorname{softmax}_n
       \Big(\frac{\cos(f_{b,n}, g^+_c)}{\tau_s}\Big)\, e_{b,c,n} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f_{b,n}$ | `features` | dense feature at position n of image b, any length |
    | $g^+_c, g^-_c$ | `positive`, `negative` | texts saying that c is, is not, in the image |
    | $\tau$ | `temperature` | sharpness of the logits, may be learnt |
    | $\tau_s$ | `spatial_temperature` | how far the average is spread over positions |
    | $z, e$ | the results | logit of each category, and that of each position |

    Source: the class-specific region aggregation of [DualCoOp](https://arxiv.org/abs/2206.09541)
    (Sun et al., NeurIPS 2022), the baseline of [TRM-ML](https://doi.org/10.1145/3664647.3680815)
    (Ma et al., ACM Multimedia 2024).
    Differs from the paper: temperatures stand in the place of its fixed scales ($\tau$ = 1/100,
    $\tau_s$ = 1/20), and positions carry no position embedding, as in
    [TaI-DPT](https://arxiv.org/abs/2211.12739) (Guo et al., CVPR 2023).

    Args:
        features: Dense image features in the joint space.
        positive: Positive text feature of every class.
        negative: Negative text feature of every class.
        temperature: Divides the difference of cosines, > 0. Small values saturate the
            probabilities, large ones pull them to 1/2.
        spatial_temperature: Divides the cosines that weigh positions, > 0. Towards 0 only the
            best position counts, large values weigh all alike.

    Returns:
        The logit of every class, and that of every class at every position, both in
        [-2/temperature, 2/temperature] and float32 for half-precision input.

    Raises:
        ValueError: If shapes disagree, or a temperature is a number that is not finite and above 0.

    Examples:
        >>> import torch
        >>> features = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
        >>> text = torch.tensor([[1.0, 0.0]])
        >>> text_pixel_logits(features, text, -text, temperature=1.0, spatial_temperature=0.05)
        (tensor([[2.]]), tensor([[[2., 0.]]]))
    """
    check_axes(
        features=(features, "batch positions dim"),
        positive=(positive, "classes dim"),
        negative=(negative, "classes dim"),
    )
    check_temperature(temperature)
    check_temperature(spatial_temperature, argument="spatial_temperature")
    unit = unit_vectors(features).mT
    with full_precision(features.device):
        present = unit_vectors(positive) @ unit
        absent = unit_vectors(negative) @ unit
    weights = (present / spatial_temperature).softmax(dim=-1)
    energy = (present - absent) / temperature
    return (weights * energy).sum(dim=-1), energy
