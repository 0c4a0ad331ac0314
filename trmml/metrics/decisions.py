r"""Precision, recall and F1 of yes/no decisions, overall and per class, under separate names."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from trmml.choices import check_choice
from trmml.labels import Labels
from trmml.metrics.inputs import EmptyRule, UnknownRule, check_inputs, check_scores

__all__ = ["PrecisionRecallF1", "decide", "precision_recall_f1"]


class PrecisionRecallF1(NamedTuple):
    """The families of decision metrics, each in [0, 1].

    Attributes:
        OP: Overall precision: true among all positive decisions.
        OR: Overall recall: found among all positive labels.
        OF1: Harmonic mean of OP and OR (micro F1).
        CP: Mean over classes of the precision.
        CR: Mean over classes of the recall.
        CF1: Harmonic mean of CP and CR, as HCP reports it. Never below `macro_F1`.
        macro_F1: Mean over classes of their own F1: what DualCoOp, ASL and SPLC call CF1.
        precision: Of each class; 0 where nothing is decided positive.
        recall: Of each class; nan where `positives` is 0.
        f1: Of each class; nan where `positives` is 0.
        true_positives: Positive labels decided positive, of each class.
        predicted: Known labels decided positive, of each class.
        positives: Positive labels of each class.
        num_empty: Classes without a positive label: skipped, or counted as 0 on request.
    """

    OP: float
    OR: float
    OF1: float
    CP: float
    CR: float
    CF1: float
    macro_F1: float
    precision: Float[Tensor, " classes"]
    recall: Float[Tensor, " classes"]
    f1: Float[Tensor, " classes"]
    true_positives: Int[Tensor, " classes"]
    predicted: Int[Tensor, " classes"]
    positives: Int[Tensor, " classes"]
    num_empty: int


def decide(
    scores: Float[Tensor, "samples classes"],
    *,
    threshold: float | Float[Tensor, " classes"] | None,
    top_k: int | None = None,
    inclusive: bool = True,
) -> Bool[Tensor, "samples classes"]:
    """Turn scores into positive decisions, by a threshold, by rank in the image, or by both.

    Args:
        scores: Probabilities or logits.
        threshold: What a score must reach, in the unit of the scores: 0.5 for probabilities, 0 for
            logits. One number or one for each class. None only with `top_k`.
        top_k: If given, only the best k classes of an image can be positive; of equal scores at
            the border the class with the lower index is taken.
        inclusive: Whether a score equal to the threshold is positive (HCP) or not (ASL, DualCoOp).

    Raises:
        ValueError: If neither rule is given, `top_k` is below 1 or a score is nan.

    Examples:
        >>> scores = torch.tensor([[0.9, 0.6, 0.7], [0.1, 0.2, 0.3]])
        >>> decide(scores, threshold=0.5, top_k=2).int()
        tensor([[1, 0, 1],
                [0, 0, 0]], dtype=torch.int32)
    """
    if threshold is None and top_k is None:
        raise ValueError("`threshold` must be given unless `top_k` is; 0.5 suits probabilities.")
    check_scores(scores)
    chosen = torch.ones_like(scores, dtype=torch.bool)
    if threshold is not None:
        chosen = scores >= threshold if inclusive else scores > threshold
    if top_k is not None:
        if top_k < 1:
            raise ValueError(f"`top_k` must be at least 1, got {top_k}.")
        best = scores.sort(dim=1, descending=True, stable=True).indices[:, :top_k]
        chosen = chosen & torch.zeros_like(chosen).scatter_(1, best, True)
    return chosen


def precision_recall_f1(
    scores: Float[Tensor, "samples classes"],
    labels: Labels,
    *,
    threshold: float | Float[Tensor, " classes"] | None,
    top_k: int | None = None,
    inclusive: bool = True,
    unknown: UnknownRule = "exclude",
    empty: EmptyRule = "skip",
) -> PrecisionRecallF1:
    r"""Count right decisions and summarise them overall and per class.

    $$ \mathrm{OP} = \frac{\sum_c T_c}{\sum_c D_c}, \quad
       \mathrm{OR} = \frac{\sum_c T_c}{\sum_c P_c}, \quad
       \mathrm{CP} = \frac1C \sum_c \frac{T_c}{D_c}, \quad
       \mathrm{CR} = \frac1C \sum_c \frac{T_c}{P_c} $$

    $$ \mathrm{OF1} = \frac{2\,\mathrm{OP}\,\mathrm{OR}}{\mathrm{OP}+\mathrm{OR}}, \quad
       \mathrm{CF1} = \frac{2\,\mathrm{CP}\,\mathrm{CR}}{\mathrm{CP}+\mathrm{CR}}, \quad
       \mathrm{macro\ F1} = \frac1C \sum_c \frac{2\,T_c}{D_c + P_c} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $T_c$ | `true_positives` | positive labels decided positive |
    | $D_c$ | `predicted` | known labels decided positive |
    | $P_c$ | `positives` | positive labels |
    | $C$ | classes with $P_c > 0$ | or all classes with `empty="zero"` |

    A class where nothing is decided positive has precision 0. The field calls two different
    numbers CF1; here they are `CF1` and `macro_F1`.

    Args:
        scores: As in `decide`.
        labels: +1, -1, or 0 for unknown.
        threshold: As in `decide`.
        top_k: As in `decide`; ranks are taken over all classes, unknown ones included.
        inclusive: As in `decide`.
        unknown: Leave unknown labels out (`"exclude"`) or count them as `"negative"`.
        empty: Leave classes without a positive label out of the class means (`"skip"`), or count
            them as 0 (`"zero"`), as the peers do.

    Raises:
        ValueError: As `decide` and `average_precision`.

    Examples:
        >>> scores = torch.tensor([[0.9, 0.6], [0.8, 0.4], [0.1, 0.7]])
        >>> labels = torch.tensor([[1, -1], [-1, 1], [1, 1]])
        >>> result = precision_recall_f1(scores, labels, threshold=0.5)
        >>> result.OP, result.OR, result.CF1
        (0.5, 0.5, 0.5)
    """
    check_choice(empty, EmptyRule, argument="empty")
    check_inputs(scores, labels, unknown)
    labels = labels.to(scores.device)
    chosen = decide(scores, threshold=threshold, top_k=top_k, inclusive=inclusive)
    if unknown == "exclude":
        chosen = chosen & (labels != 0)
    positive = labels > 0
    hits, predicted, positives = (x.sum(0) for x in (chosen & positive, chosen, positive))

    precision = hits.double() / predicted.clamp(min=1)
    recall = hits.double() / positives
    f1 = torch.where(positives > 0, 2 * hits.double() / (predicted + positives), math.nan)
    overall = [_ratio(hits.sum(), total.sum()) for total in (predicted, positives)]
    by_class = [_class_mean(x, positives > 0, empty) for x in (precision, recall, f1)]
    return PrecisionRecallF1(
        OP=overall[0],
        OR=overall[1],
        OF1=_harmonic(*overall),
        CP=by_class[0],
        CR=by_class[1],
        CF1=_harmonic(*by_class[:2]),
        macro_F1=by_class[2],
        precision=precision,
        recall=recall,
        f1=f1,
        true_positives=hits,
        predicted=predicted,
        positives=positives,
        num_empty=int((positives == 0).sum()),
    )


def _ratio(part: Int[Tensor, ""], whole: Int[Tensor, ""]) -> float:
    return int(part) / int(whole) if int(whole) else 0.0


def _harmonic(first: float, second: float) -> float:
    return 2 * first * second / (first + second) if first + second > 0 else first * second


def _class_mean(
    values: Float[Tensor, " classes"], filled: Bool[Tensor, " classes"], empty: EmptyRule
) -> float:
    counted = torch.where(filled, values, 0.0) if empty == "zero" else values[filled]
    return float(counted.mean()) if len(counted) else math.nan
