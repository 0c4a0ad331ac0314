"""Several scores of one label as one calibrated logit: linear in the scores."""

from math import inf
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

LEAST = 1e-3  # counts of what is not sure to help: its order shows, and it moves no probability
AS_IT_IS = (1.0, 1e-6)  # a weight that is not to be learnt again


class Stacking(NamedTuple):
    """How scores are added up to a logit.

    Attributes:
        weights: Of each kind of score and class, at least 0.
        bias: Of each class.
    """

    weights: Float[Tensor, "kinds classes"]
    bias: Float[Tensor, " classes"]

    def logits(
        self, evidence: Float[Tensor, "kinds images classes"]
    ) -> Float[Tensor, "images classes"]:
        """Add scores up.

        Args:
            evidence: As at the fit.
        """
        return (self.weights[:, None] * evidence).sum(0) + self.bias


def fit_stacking(
    evidence: Float[Tensor, "kinds images classes"],
    labels: Labels,
    *,
    deviations: float = 1.28,
) -> Stacking | None:
    r"""Learn from labels that no score was trained on how to add the scores up.

    $$ \operatorname{logit} P(y_{b,c} = 1) = \sum_k \max(0, w_k - \kappa_k \sigma_k)
       \frac{e_{k,b,c} - \mu_{k,c}}{s_{k,c}} + d_c, \qquad
       \kappa_1 = 0, \; \kappa_{k > 1} = \kappa $$

    | symbol | in code | meaning |
    |---|---|---|
    | $e_k$ | `evidence` | scores, one matrix a kind |
    | $\mu$, $s$ | | mean and deviation of each kind and class |
    | $w_k$, $\sigma_k$ | | weight of a kind in a regression over all classes; how unsure it is |
    | $\kappa$ | `deviations` | what is added to the first kind counts as far as it surely helps |
    | $d_c$ | `bias` | how often a class is there: a second regression, of the sum |

    With few labels a regression leans on whatever happens to agree with them. Here what is added to
    the first kind, the prediction that is to become better, counts by the lower bound of its weight
    alone: it has to be good to be heard. Where nothing counts, all do the same for the order, and
    the probabilities are those of the classes.

    Source: stacked generalisation, [Wolpert](https://doi.org/10.1016/S0893-6080(05)80023-1)
    (Neural Networks 5, 1992), by `evidence_regression`.
    Differs from the paper: weights are shared by all classes and but for the first lower bounds,
    and the first level is judged by labels that were never trained on instead of by leaving each
    one out.

    Args:
        evidence: Scores of any scale, finite, the one that is to become better first; more of
            each speaks for the label.
        labels: Known labels in {-1, 0, +1} that nothing which gives the scores has learnt from.
        deviations: $\kappa$, at least 0; 1.28 leaves out what helps by chance nine times of ten.

    Returns:
        The sum, in double precision where the device has it; None if no positive or no negative
        label is known.

    Raises:
        ValueError: If shapes disagree, a score is not finite, labels hold other values, or
            `deviations` is negative or not finite.

    Examples:
        >>> import torch
        >>> generator = torch.Generator().manual_seed(0)
        >>> truth = torch.where(torch.rand(300, 4, generator=generator) < 0.3, 1, -1)
        >>> noise = torch.randn(2, 300, 4, generator=generator)
        >>> stacking = fit_stacking(torch.stack([truth + noise[0], noise[1]]), truth)
        >>> stacking.weights.gt(0).all(1).tolist()
        [True, False]
    """
    check_axes(evidence=(evidence, "kinds images classes"), labels=(labels, "images classes"))
    check_labels(labels)
    if not bool(evidence.isfinite().all()):
        raise ValueError(
            "`evidence` must be finite, got nan or infinity; leave images without a score out."
        )
    if not 0 <= deviations < inf:
        raise ValueError(f"`deviations` must be finite and at least 0, got {deviations}.")
    if not bool((labels == POSITIVE).any() and (labels == NEGATIVE).any()):
        return None
    standard, mean, deviation = standardised(wide(evidence))
    offset_deviation, _ = best_cross_fit(standard, labels)
    fit = fit_withheld(standard, labels, offset_deviation=offset_deviation)
    kinds = len(evidence)
    unsure = fit.covariance.diagonal()[:kinds].sqrt()
    unsure[0] = 0  # what was trained for this is not asked for proof
    counts = (fit.weights[:kinds] - deviations * unsure).clamp(min=0)
    if not bool(counts.any()):
        counts += LEAST
    total = (counts[:, None, None] * standard).sum(0, keepdim=True)
    fit = fit_withheld(total, labels, offset_deviation=offset_deviation, expected=AS_IT_IS)
    _, of_log_odds, constant = fit.weights
    weights = counts[:, None] / deviation
    bias = of_log_odds * class_log_odds(labels) + constant + fit.offsets - (weights * mean).sum(0)
    return Stacking(weights, bias)
