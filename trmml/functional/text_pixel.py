"""Text-pixel matching, the aggregation that text-region matching replaces."""

from jaxtyping import Float
from torch import Tensor

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

    $$ w_{c,i} = \mathrm{softmax}_i\big(\cos(f_i, g^+_c) / \tau_s\big), \qquad
       x_c = \frac{1}{\tau} \sum_i w_{c,i} \big(\cos(f_i, g^+_c) - \cos(f_i, g^-_c)\big) $$

    The class-specific region aggregation of DualCoOp (Sun et al., NeurIPS 2022), the baseline of
    TRM-ML, with temperatures in the place of its fixed scales ($\tau$ = 1/100, $\tau_s$ = 1/20).

    Differs from the paper: nothing; positions carry no position embedding, as in TaI-DPT.

    Args:
        features: Dense image features in the joint space.
        positive: Positive text feature of every class.
        negative: Negative text feature of every class.
        temperature: $\tau$ > 0 of the logit.
        spatial_temperature: $\tau_s$ > 0; towards 0 only the best position counts.

    Returns:
        The logit of every class, and that of every class at every position.

    Examples:
        >>> import torch
        >>> features, text = torch.randn(2, 49, 8), torch.randn(3, 8)
        >>> logits, energy = text_pixel_logits(
        ...     features, text, -text, temperature=0.01, spatial_temperature=0.05
        ... )
        >>> logits.shape, energy.shape
        (torch.Size([2, 3]), torch.Size([2, 3, 49]))
    """
    unit = unit_vectors(features).mT
    with full_precision(features.device):
        present = unit_vectors(positive) @ unit
        absent = unit_vectors(negative) @ unit
    weights = (present / spatial_temperature).softmax(dim=-1)
    energy = (present - absent) / temperature
    return (weights * energy).sum(dim=-1), energy
