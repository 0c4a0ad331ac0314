"""Several scores of one label as one calibrated logit: linear in the scores."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from trmml.completion.withheld_labels import (
    best_cross_fit,
    class_log_odds,
    fit_withheld,
    standardised,
    wide,
)
from trmml.functional.checks import check_axes
from trmml.labels import NEGATIVE, POSITIVE, Labels, check_labels

__all__ = ["Stacking", "fit_stacking"]


class Stacking(NamedTuple):
    """How scores are added up to a logit.

    Attributes:
        weights: Of each kind of score and class.
        bias: Of each class.
    """

    weights: Float[Tensor, "kinds classes"]
    bias: Float[Tensor, " classes"]


def fit_stacking(
    evidence: Float[Tensor, "kinds images classes"], labels: Labels
) -> Stacking | None:
    r"""Learn from labels that no score was trained on how to add the scores up.

    $$ \operatorname{logit} P(y_{b,c} = 1) = \sum_k a_{k,c}\, e_{k,b,c} + d_c $$

    | symbol | in code | meaning |
    |---|---|---|
    | $e_k$ | `evidence` | scores, one matrix a kind |
    | $a_{k,c}$ | `weights` | one weight a kind, over the spread of its scores of the class |
    | $d_c$ | `bias` | how often the class is there, and where its scores lie |

    The model is that of `CalibratedPseudoLabeler`: one weight a kind for all classes, so that few
    labels are enough.

    Source: stacked generalisation, [Wolpert](https://doi.org/10.1016/S0893-6080(05)80023-1)
    (Neural Networks 5, 1992), by `evidence_regression`.
    Differs from the paper: the second level is a logistic regression over all classes, and the
    first one is judged by labels that were never trained on instead of by leaving each one out.

    Args:
        evidence: Scores of any scale, finite.
        labels: Known labels in {-1, 0, +1} that nothing which gives the scores has learnt from.

    Returns:
        The sum, in double precision where the device has it; None if no positive or no negative
        label is known.

    Raises:
        ValueError: If shapes disagree, a score is not finite, or labels hold other values.

    Examples:
        >>> generator = torch.Generator().manual_seed(0)
        >>> truth = torch.where(torch.rand(300, 4, generator=generator) < 0.3, 1, -1)
        >>> noise = torch.randn(2, 300, 4, generator=generator)
        >>> evidence = truth + noise * torch.tensor([0.5, 3.0])[:, None, None]
        >>> stacking = fit_stacking(evidence, truth)
        >>> bool((stacking.weights[0] > stacking.weights[1]).all())
        True
    """
    check_axes(evidence=(evidence, "kinds images classes"), labels=(labels, "images classes"))
    check_labels(labels)
    if not bool(evidence.isfinite().all()):
        raise ValueError(
            "`evidence` must be finite, got nan or infinity; leave images without a score out."
        )
    if not bool((labels == POSITIVE).any() and (labels == NEGATIVE).any()):
        return None
    standard, mean, deviation = standardised(wide(evidence))
    offset_deviation, _ = best_cross_fit(standard, labels)
    fit = fit_withheld(standard, labels, offset_deviation=offset_deviation)
    kinds = len(evidence)
    weights = fit.weights[:kinds, None] / deviation
    of_log_odds, constant = fit.weights[kinds:]
    bias = of_log_odds * class_log_odds(labels) + constant + fit.offsets - (weights * mean).sum(0)
    return Stacking(weights, bias)
