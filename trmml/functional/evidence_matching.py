"""Matching where a third text says where to look, and classes compete for positions."""

from jaxtyping import Float
from torch import Tensor

from trmml.functional.checks import check_axes, check_temperature
from trmml.functional.full_precision import full_precision
from trmml.functional.unit_vectors import unit_vectors

__all__ = ["evidence_logits"]

COMPETITION = 200.0


def evidence_logits(
    features: Float[Tensor, "batch positions dim"],
    positive: Float[Tensor, "classes dim"],
    negative: Float[Tensor, "classes dim"],
    evidence: Float[Tensor, "classes dim"],
    *,
    positive_temperature: float | Float[Tensor, ""],
    negative_temperature: float | Float[Tensor, ""],
    spatial_temperature: float | Float[Tensor, ""],
    winner_take_all: bool = False,
) -> tuple[Float[Tensor, "batch classes"], Float[Tensor, "batch classes positions"]]:
    r"""Match every position with two texts, and average where a third one matches best.

    $$ w_{b,c,n} = \operatorname{softmax}_n \frac{\cos(f_{b,n}, g^e_c)}{\tau_s}, \quad
       m_{b,c,n} = \cos(f_{b,n}, g^+_c), \quad
       e_{b,c,n} = \frac{r_{b,c,n}\, m_{b,c,n}}{\tau_+} - \frac{\cos(f_{b,n}, g^-_c)}{\tau_-} $$

    $$ z_{b,c} = \sum_n w_{b,c,n}\, e_{b,c,n}, \qquad
       r_{b,c,n} = 1 + \operatorname{softmax}_c \big(200\, m_{b,c,n} \max_{c'} m_{b,c',n}\big) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $f_{b,n}$ | `features` | dense feature at position n of image b, any length |
    | $g^+_c, g^-_c$ | `positive`, `negative` | texts saying that c is, is not, in the image |
    | $g^e_c$ | `evidence` | text saying where to look for c |
    | $\tau_+, \tau_-$ | `positive_temperature`, `negative_temperature` | sharpness, may be learnt |
    | $\tau_s$ | `spatial_temperature` | how far the average is spread over positions |
    | $r$ | `reward` | more for the class that a position fits best; 1 without the competition |
    | $z, e$ | the results | logit of each category, and that of each position |

    Source: the evidence-guided aggregation and the winner-take-all of
    [DualCoOp++](https://arxiv.org/abs/2308.01890) (Hu et al., TPAMI 2023).
    Differs from the paper: temperatures stand in the place of its scales, all three of which start
    at 20; the 200 is that of an unofficial implementation, and positions carry no embedding.

    Args:
        features: Dense image features in the joint space.
        positive: Positive text feature of every class.
        negative: Negative text feature of every class.
        evidence: Text feature of every class that weighs positions.
        positive_temperature: Divides the positive cosines, > 0 (start: 1/20).
        negative_temperature: Divides the negative cosines, > 0 (start: 1/20).
        spatial_temperature: Divides the cosines that weigh positions, > 0 (start: 1/20).
        winner_take_all: Whether the classes given compete for each position.

    Returns:
        The logit of every class, and that of every class at every position; float32 for
        half-precision input.

    Raises:
        ValueError: If shapes disagree, or a temperature is a number that is not finite and above 0.

    Examples:
        >>> import torch
        >>> features = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
        >>> text = torch.tensor([[1.0, 0.0]])
        >>> options = {"positive_temperature": 1.0, "negative_temperature": 1.0}
        >>> evidence_logits(features, text, -text, text, spatial_temperature=0.05, **options)
        (tensor([[2.]]), tensor([[[2., 0.]]]))
    """
    check_axes(
        features=(features, "batch positions dim"),
        positive=(positive, "classes dim"),
        negative=(negative, "classes dim"),
        evidence=(evidence, "classes dim"),
    )
    check_temperature(positive_temperature, argument="positive_temperature")
    check_temperature(negative_temperature, argument="negative_temperature")
    check_temperature(spatial_temperature, argument="spatial_temperature")
    unit = unit_vectors(features).mT
    with full_precision(features.device):
        present = unit_vectors(positive) @ unit
        absent = unit_vectors(negative) @ unit
        where = unit_vectors(evidence) @ unit
    if winner_take_all:
        best = present.amax(dim=1, keepdim=True)
        present = present * (1 + (COMPETITION * present * best).softmax(dim=1))
    energy = present / positive_temperature - absent / negative_temperature
    weights = (where / spatial_temperature).softmax(dim=-1)
    return (weights * energy).sum(dim=-1), energy
