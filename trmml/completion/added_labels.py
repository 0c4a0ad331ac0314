"""What was added to the known labels, what was promised of it, and how much of it is right."""

from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor

from trmml.functional.checks import check_axes
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN, Labels

__all__ = ["Completion", "completion_figures"]


class Completion(NamedTuple):
    """Labels of all training images as the losses take them.

    Attributes:
        labels: Known ones as they are, added ones, and 0 where nothing was added.
        probabilities: That each label is positive, by the rule that added; None if it has none.
        present: Share of right ones that was promised of the positives; None if nothing was.
        absent: The same of the negatives.
        reasons: Why nothing, or nothing of one kind, is added.
    """

    labels: Labels
    probabilities: Float[Tensor, "images classes"] | None = None
    present: float | None = None
    absent: float | None = None
    reasons: tuple[str, ...] = ()


def completion_figures(
    completion: Completion, known: Labels, truth: Labels | None = None
) -> dict[str, dict[str, Any]]:
    """Count what was added, and hold it to the truth where somebody knows it.

    Args:
        completion: What the losses take.
        known: What they were given; labels that are known here were not added.
        truth: Labels of the same images before any was hidden, 0 where even then nothing was
            known; None where nobody knows more than `known`.

    Returns:
        For "positive" and for "negative": "count", labels added; "promised", the precision asked
        for; "expected", their mean probability of being right; "judged", how many of them the
        truth speaks of; "precision", the share of these that is right. None where there is no
        such figure.

    Raises:
        ValueError: If shapes disagree.

    Examples:
        >>> import torch
        >>> completion = Completion(torch.tensor([[1, 1, 1, -1, 0]]), present=0.6)
        >>> known, truth = torch.tensor([[1, 0, 0, 0, 0]]), torch.tensor([[1, 1, -1, 0, -1]])
        >>> figures = completion_figures(completion, known, truth)
        >>> figures["positive"]["count"], figures["positive"]["precision"]
        (2, 0.5)
        >>> figures["negative"]["count"], figures["negative"]["precision"]
        (1, None)
    """
    check_axes(known=(known, "images classes"), labels=(completion.labels, "images classes"))
    if truth is not None:
        check_axes(known=(known, "images classes"), truth=(truth, "images classes"))
    probabilities, figures = completion.probabilities, {}
    sides = (("positive", POSITIVE, completion.present), ("negative", NEGATIVE, completion.absent))
    for kind, sign, promised in sides:
        added = (known == UNKNOWN) & (completion.labels == sign)
        count, expected, judged, precision = int(added.sum()), None, None, None
        if probabilities is not None and count:
            mean = probabilities[added].double().mean().item()
            expected = mean if sign == POSITIVE else 1 - mean
        if truth is not None:
            told = truth[added & (truth != UNKNOWN)]
            judged = len(told)
            precision = int((told == sign).sum()) / judged if judged else None
        figures[kind] = {
            "count": count,
            "promised": promised,
            "expected": expected,
            "judged": judged,
            "precision": precision,
        }
    return figures
