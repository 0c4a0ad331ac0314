"""Complete labels by rank within each class, where evidence surely tells anything at all."""

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.completion.evidence_regression import evidence_logits
from trmml.completion.sure_evidence import surely_tells
from trmml.completion.withheld_labels import (
    best_cross_fit,
    class_log_odds,
    evidence_features,
    fit_withheld,
    standardised,
    wide,
)
from trmml.functional import complete_labels
from trmml.functional.checks import check_axes
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN, Labels, check_labels

__all__ = ["ranked_labels"]


def ranked_labels(
    evidence: Float[Tensor, "kinds images classes"],
    labels: Labels,
    *,
    withheld: Labels | None = None,
    share: float = 0.25,
) -> Labels:
    r"""Add in each class what ranks highest and lowest in it, as much as known labels let expect.

    $$ k^+_c = \lfloor \rho\, \pi_c\, n_c \rfloor, \qquad
       k^-_c = \lfloor \rho\, (1 - \pi_c)\, n_c \rfloor $$

    | symbol | in code | meaning |
    |---|---|---|
    | $n_c$ | | unknown labels of the class |
    | $\pi_c$ | | how often the class is there, among the withheld labels |
    | $\rho$ | `share` | of what is expected, how much is added |
    | $k^+_c, k^-_c$ | | positives that are added at the top, negatives at the bottom |

    The rank is by the regression of `CalibratedPseudoLabeler`. No precision is promised: with few
    known labels none can be, while an order may be good already. Whether it is surely better than
    chance can be told, by `surely_tells` of a cross-fit; if it is not, nothing is added.

    Source: this library, after Eq. (9) to (12) of
    [TRM-ML](https://doi.org/10.1145/3664647.3680815) (Ma et al., ACM Multimedia 2024).
    Differs from the paper: its thresholds are mean similarities, whatever share of the class lies
    above them; here the number is set, and the threshold follows.

    Args:
        evidence: Scores of any scale that speak for each label, finite.
        labels: Known labels in {-1, 0, +1}.
        withheld: Those that nothing which gives the evidence has learnt from; None for all.
        share: In (0, 1].

    Returns:
        Completed labels of the same type; `labels` where no positive or no negative is withheld,
        or the evidence tells nothing.

    Raises:
        ValueError: If shapes disagree, evidence is not finite, labels hold other values, or
            `share` is outside its range.

    Examples:
        >>> generator = torch.Generator().manual_seed(0)
        >>> truth = torch.where(torch.rand(200, 3, generator=generator) < 0.3, 1, -1)
        >>> evidence = (truth + torch.randn(200, 3, generator=generator))[None]
        >>> known = torch.where(torch.rand(200, 3, generator=generator) < 0.1, truth, 0)
        >>> completed = ranked_labels(evidence, known)
        >>> added = (known == 0) & (completed != 0)
        >>> bool((completed == truth)[added].double().mean() > 0.9)
        True
    """
    if not 0 < share <= 1:
        raise ValueError(f"`share` must be in (0, 1], got {share}.")
    unseen = labels if withheld is None else withheld
    axes = {"evidence": (evidence, "kinds images classes"), "labels": (labels, "images classes")}
    check_axes(**axes, withheld=(unseen, "images classes"))
    check_labels(labels)
    check_labels(unseen)
    if not bool(evidence.isfinite().all()):
        raise ValueError(
            "`evidence` must be finite, got nan or infinity; leave images without evidence out."
        )
    if not bool((unseen == POSITIVE).any() and (unseen == NEGATIVE).any()):
        return labels
    standard = standardised(wide(evidence))[0]
    offset_deviation, cross = best_cross_fit(standard, unseen)
    if not surely_tells(cross.logits, unseen):
        return labels
    log_odds = class_log_odds(unseen)
    fit = fit_withheld(standard, unseen, offset_deviation=offset_deviation)
    logits, _ = evidence_logits(fit, evidence_features(standard, log_odds))
    return complete_labels(labels, _ends(logits, labels == UNKNOWN, log_odds.sigmoid(), share))


def _ends(logits: Tensor, unknown: Tensor, present: Tensor, share: float) -> Tensor:
    """Return +1 at the top of each class's unknown cells, -1 at the bottom and 0 between."""
    order = logits.masked_fill(~unknown, -torch.inf).argsort(dim=0, descending=True, stable=True)
    rank = order.argsort(dim=0)
    number = unknown.sum(dim=0)
    top, bottom = (share * rate * number for rate in (present, 1 - present))
    above, below = rank < top.floor(), rank >= number - bottom.floor()
    return unknown * (above.to(torch.int8) - below.to(torch.int8))
