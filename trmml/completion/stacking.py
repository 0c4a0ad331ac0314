"""Several scores of one label as one calibrated logit: linear in the scores."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.completion.sure_evidence import surely_tells
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

WORTH_THE_SAME = (1.0, 0.5)  # what weights of standardised scores are expected to be, roughly
AS_IT_IS = (1.0, 1e-6)  # a weight that is not to be learnt again
LEAST = 1e-3  # of the first kind where nothing counts: its order shows, it moves no probability


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
    counted: Sequence[bool] | None = None,
) -> Stacking | None:
    r"""Learn from labels that no score was trained on how to add the scores up.

    $$ \operatorname{logit} P(y_{b,c} = 1) = \sum_{k \in K} \max(0, w_k)
       \frac{e_{k,b,c} - \mu_{k,c}}{s_{k,c}} + d_c, \qquad
       w_k \sim \mathcal N(1, 0.5^2) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $e_k$ | `evidence` | scores, one matrix a kind |
    | $K$ | `counted` | the kinds that count |
    | $\mu$, $s$ | | mean and deviation of each kind and class |
    | $w_k$ | | weight of a kind in a regression over all classes, and what it is expected to be |
    | $d_c$ | `bias` | how often a class is there: a second regression, of the sum |

    With few labels a regression leans on whatever happens to agree with them. Here all kinds that
    count are expected to count alike, which a dozen labels hardly change and some hundred do; a
    kind that does not surely tell what is there should not count at all.

    Source: stacked generalisation, [Wolpert](https://doi.org/10.1016/S0893-6080(05)80023-1)
    (Neural Networks 5, 1992), by `evidence_regression`.
    Differs from the paper: weights are shared by all classes, expected to be equal and not
    negative, and the first level is judged by labels that were never trained on instead of by
    leaving each one out.

    Args:
        evidence: Scores of any scale, finite; more of each speaks for the label.
        labels: Known labels in {-1, 0, +1} that nothing which gives the scores has learnt from.
        counted: Whether each kind counts; None counts the first, and of the others those that
            surely tell what is there by these labels, see `surely_tells`. Who knows more labels
            of a kind that was never trained can ask it of all of them.

    Returns:
        The sum, in double precision where the device has it, of weight 0 for what does not count;
        None if no positive or no negative label is known.

    Raises:
        ValueError: If shapes disagree, a score is not finite, labels hold other values, or
            no kind counts.

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
    if counted is not None and (len(counted) != len(evidence) or not any(counted)):
        raise ValueError(
            f"`counted` must say of each of {len(evidence)} kinds whether it counts, and one has "
            f"to; got {list(counted)}."
        )
    if not bool((labels == POSITIVE).any() and (labels == NEGATIVE).any()):
        return None
    if counted is None:
        counted = [True, *(surely_tells(scores, labels) for scores in evidence[1:])]
    standard, mean, deviation = standardised(wide(evidence))
    counts = torch.zeros_like(standard[:, 0, 0])
    kinds = [kind for kind, said in enumerate(counted) if said]
    offset_deviation, _ = best_cross_fit(standard[kinds], labels)
    fit = fit_withheld(
        standard[kinds], labels, offset_deviation=offset_deviation, expected=WORTH_THE_SAME
    )
    counts[kinds] = fit.weights[: len(kinds)].clamp(min=0)
    if not bool(counts.any()):
        counts[kinds[0]] = LEAST
    total = (counts[:, None, None] * standard).sum(0, keepdim=True)
    fit = fit_withheld(total, labels, offset_deviation=offset_deviation, expected=AS_IT_IS)
    _, of_log_odds, constant = fit.weights
    weights = counts[:, None] / deviation
    bias = of_log_odds * class_log_odds(labels) + constant + fit.offsets - (weights * mean).sum(0)
    return Stacking(weights, bias)
