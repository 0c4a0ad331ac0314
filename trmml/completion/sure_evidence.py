"""Whether a score surely tells which labels are there."""

from math import inf

from jaxtyping import Float
from torch import Tensor

from trmml.completion.withheld_labels import best_cross_fit, fit_withheld, standardised, wide
from trmml.functional.checks import check_axes
from trmml.labels import NEGATIVE, POSITIVE, Labels, check_labels

__all__ = ["surely_tells"]


def surely_tells(
    scores: Float[Tensor, "images classes"], labels: Labels, *, deviations: float = 1.64
) -> bool:
    r"""Say whether a score is surely better than chance, by labels that it was not trained on.

    $$ w > \kappa \sigma $$

    | symbol | in code | meaning |
    |---|---|---|
    | $w$ | | weight of the standardised score in a regression over all classes |
    | $\sigma$ | | how unsure it is |
    | $\kappa$ | `deviations` | what has to be left of it |

    Source: Wald's test of one weight, [Wald](https://doi.org/10.1090/S0002-9947-1943-0012401-3)
    (Transactions of the American Mathematical Society 54, 1943), by `evidence_regression`.
    Differs from the paper: the weight has a wide prior around 0, which draws it there where labels
    are few, and the offsets of the classes are fitted beside it.

    Args:
        scores: Of any scale, finite; more speaks for the label.
        labels: Known labels in {-1, 0, +1}.
        deviations: $\kappa$, at least 0; by 1.64 a score that says nothing passes one time in
            twenty.

    Returns:
        False, too, where no positive or no negative label is known.

    Raises:
        ValueError: If shapes disagree, a score is not finite, labels hold other values, or
            `deviations` is negative or not finite.

    Examples:
        >>> import torch
        >>> generator = torch.Generator().manual_seed(0)
        >>> truth = torch.where(torch.rand(30, 4, generator=generator) < 0.3, 1, -1)
        >>> noise = torch.randn(30, 4, generator=generator)
        >>> surely_tells(truth + noise, truth), surely_tells(noise, truth)
        (True, False)
    """
    check_axes(scores=(scores, "images classes"), labels=(labels, "images classes"))
    check_labels(labels)
    if not bool(scores.isfinite().all()):
        raise ValueError("`scores` must be finite, got nan or infinity; leave such images out.")
    if not 0 <= deviations < inf:
        raise ValueError(f"`deviations` must be finite and at least 0, got {deviations}.")
    if not bool((labels == POSITIVE).any() and (labels == NEGATIVE).any()):
        return False
    standard, _, _ = standardised(wide(scores[None]))
    offset_deviation, _ = best_cross_fit(standard, labels)
    fit = fit_withheld(standard, labels, offset_deviation=offset_deviation)
    return bool(fit.weights[0] > deviations * fit.covariance[0, 0].sqrt())
