r"""Mean average precision in the three definitions the field reports, under names of their own."""

import math
from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.choices import check_choice
from trmml.labels import Labels
from trmml.metrics.inputs import EmptyRule, UnknownRule, check_inputs

__all__ = [
    "AveragePrecision",
    "Definition",
    "Ties",
    "average_precision",
    "mean_average_precision",
    "summarize_average_precision",
]

Definition = Literal["plain", "interpolated", "sklearn"]
Ties = Literal["pessimistic", "stable", "optimistic"]

_CHUNK = 1 << 22  # entries ranked at once: about 200 MB of working memory


class AveragePrecision(NamedTuple):
    """Average precision with what is needed to judge it.

    Attributes:
        mean: Mean over the classes that count, in [0, 1]; nan when none does.
        per_class: Average precision of each class; nan where `positives` is 0.
        positives: Known positive rows of each class.
        negatives: Rows of each class ranked as negative.
        num_empty: Classes without a positive: skipped, or counted as 0 on request.
    """

    mean: float
    per_class: Float[Tensor, " classes"]
    positives: Int[Tensor, " classes"]
    negatives: Int[Tensor, " classes"]
    num_empty: int


def average_precision(
    scores: Float[Tensor, "samples classes"],
    labels: Labels,
    *,
    definition: Definition = "plain",
    unknown: UnknownRule = "exclude",
    ties: Ties = "pessimistic",
) -> Float[Tensor, " classes"]:
    r"""Measure how well each class's scores put its positive rows before its negative rows.

    $$ \mathrm{AP} = \frac{1}{P} \sum_{r \,:\, t_r = 1} \mathrm{prec}(r), \qquad
       \mathrm{prec}(r) = \frac{1}{r} \sum_{s \le r} t_s $$

    | symbol | in code | meaning |
    |---|---|---|
    | $r$ | rank | place of a row when a class's scores fall from best to worst |
    | $t_r$ | `labels > 0`, ranked | whether the row at rank $r$ is positive |
    | $P$ | `positives` | number of positive rows of the class |

    The definitions differ in the precision they read at a positive row:

    - `"plain"`: $\mathrm{prec}(r)$ at that rank, as in ASL, DualCoOp and TaI-DPT.
    - `"interpolated"`: the best precision at that rank or later, the all-points area of VOC 2010
      and later that HCP reports. Never below `"plain"`.
    - `"sklearn"`: the precision at the last row with the same score, which is
      `sklearn.metrics.average_precision_score`. Equal to `"plain"` where no scores tie.

    All sums are exact and the precisions are in float64. Scores are compared in their own type, so
    pass logits rather than saturated probabilities.

    Args:
        scores: Any real numbers, higher for more likely; logits and probabilities rank alike.
        labels: +1, -1, or 0 for unknown.
        definition: Which average precision.
        unknown: `"exclude"` leaves a row out of the classes it is not labelled for; `"negative"`
            ranks it as a negative, as the peers do.
        ties: Order of rows with equal scores in `"plain"` and `"interpolated"`: negatives first,
            so that ties never flatter and the row order does not matter (`"pessimistic"`);
            the order of rows (`"stable"`, close to what the peers' sorts do); or positives first
            (`"optimistic"`). `"sklearn"` groups ties and ignores this.

    Returns:
        Float64 values in [0, 1] where `scores` live; nan for a class that has no positive row.

    Raises:
        ValueError: If an option is unknown, the shapes differ, a score is nan, labels have
            another coding, or they hold positives and unknowns but no negative at all.

    Examples:
        >>> scores = torch.tensor([[0.9, 0.2], [0.8, 0.7], [0.1, 0.6]])
        >>> labels = torch.tensor([[1, -1], [-1, -1], [1, 1]])
        >>> average_precision(scores, labels)
        tensor([0.8333, 0.5000], dtype=torch.float64)
    """
    check_choice(definition, Definition, argument="definition")
    check_choice(ties, Ties, argument="ties")
    check_inputs(scores, labels, unknown)
    chunks = [
        _ranked_precision(*pair, definition=definition, unknown=unknown, ties=ties)
        for pair in _class_chunks(scores.detach(), labels.detach())
    ]
    return torch.cat(chunks) if chunks else scores.new_empty(0, dtype=torch.float64)


def mean_average_precision(
    scores: Float[Tensor, "samples classes"],
    labels: Labels,
    *,
    definition: Definition = "plain",
    unknown: UnknownRule = "exclude",
    empty: EmptyRule = "skip",
    ties: Ties = "pessimistic",
) -> float:
    """Average the classes' average precision into the field's headline number, in [0, 1].

    Args:
        scores: As in `average_precision`.
        labels: As in `average_precision`.
        definition: As in `average_precision`; the peers' tables multiply by 100.
        unknown: As in `average_precision`.
        empty: A class without a positive row has no average precision: `"skip"` leaves it out of
            the mean, `"zero"` counts it as 0, as ASL's and scikit-learn's scripts do.
        ties: As in `average_precision`.

    Returns:
        The mean, or nan when `empty="skip"` leaves no class.

    Raises:
        ValueError: As `average_precision`.

    Examples:
        >>> scores = torch.tensor([[0.9, 0.2], [0.8, 0.7], [0.1, 0.6]])
        >>> labels = torch.tensor([[1, -1], [-1, -1], [1, 1]])
        >>> round(mean_average_precision(scores, labels), 4)
        0.6667
    """
    return summarize_average_precision(
        scores, labels, definition=definition, unknown=unknown, empty=empty, ties=ties
    ).mean


def summarize_average_precision(
    scores: Float[Tensor, "samples classes"],
    labels: Labels,
    *,
    definition: Definition = "plain",
    unknown: UnknownRule = "exclude",
    empty: EmptyRule = "skip",
    ties: Ties = "pessimistic",
) -> AveragePrecision:
    """Return the mean together with the per-class values and the counts behind them.

    Args:
        scores: As in `average_precision`.
        labels: As in `average_precision`.
        definition: As in `average_precision`.
        unknown: As in `average_precision`.
        empty: As in `mean_average_precision`.
        ties: As in `average_precision`.

    Raises:
        ValueError: As `average_precision`.

    Examples:
        >>> scores = torch.tensor([[0.9, 0.2], [0.1, 0.3]])
        >>> labels = torch.tensor([[1, -1], [-1, 0]])
        >>> result = summarize_average_precision(scores, labels)
        >>> result.mean, result.num_empty, result.negatives.tolist()
        (1.0, 1, [1, 1])
    """
    check_choice(empty, EmptyRule, argument="empty")
    per_class = average_precision(scores, labels, definition=definition, unknown=unknown, ties=ties)
    labels = labels.to(per_class.device)
    positives = (labels > 0).sum(0)
    negatives = (labels < 0).sum(0) if unknown == "exclude" else len(labels) - positives
    counted = per_class.nan_to_num(0.0) if empty == "zero" else per_class[positives > 0]
    return AveragePrecision(
        mean=float(counted.mean()) if len(counted) else math.nan,
        per_class=per_class,
        positives=positives,
        negatives=negatives,
        num_empty=int((positives == 0).sum()),
    )


def _ranked_precision(
    scores: Float[Tensor, "classes samples"],
    labels: Int[Tensor, "classes samples"] | Float[Tensor, "classes samples"],
    *,
    definition: Definition,
    unknown: UnknownRule,
    ties: Ties,
) -> Float[Tensor, " classes"]:
    ranked, order = scores.sort(dim=1, descending=True, stable=True)
    labels = labels.gather(1, order)
    positive = labels > 0
    negative = labels < 0 if unknown == "exclude" else ~positive
    hits = positive.cumsum(1, dtype=torch.int32)
    misses = negative.cumsum(1, dtype=torch.int32)

    # Within a group of equal scores the i-th positive has hit count `hits` whatever the order;
    # the order only decides how many of the group's negatives stand before it.
    last_of_group = torch.ones_like(positive)
    torch.ne(ranked[:, 1:], ranked[:, :-1], out=last_of_group[:, :-1])
    if definition == "sklearn":
        hits, misses = _at_group_end(hits, last_of_group), _at_group_end(misses, last_of_group)
    elif ties == "pessimistic":
        misses = _at_group_end(misses, last_of_group)
    elif ties == "optimistic":
        misses = _before_group(misses, last_of_group)

    precision = torch.where(positive, hits.double() / (hits + misses), 0.0)
    if definition == "interpolated":
        precision = precision.flip(1).cummax(1).values.flip(1).where(positive, 0.0)
    return precision.sum(1) / positive.sum(1)  # 0 / 0: nan for a class without positives


def _at_group_end(
    counts: Int[Tensor, "classes samples"], last_of_group: Tensor
) -> Int[Tensor, "classes samples"]:
    ends = counts.masked_fill(~last_of_group, torch.iinfo(counts.dtype).max)
    return ends.flip(1).cummin(1).values.flip(1)


def _before_group(
    counts: Int[Tensor, "classes samples"], last_of_group: Tensor
) -> Int[Tensor, "classes samples"]:
    ends = counts.masked_fill(~last_of_group, 0)
    return torch.nn.functional.pad(ends, (1, 0))[:, :-1].cummax(1).values


def _class_chunks(
    scores: Float[Tensor, "samples classes"], labels: Labels
) -> Iterator[tuple[Tensor, Tensor]]:
    if scores.device.type == "mps":
        scores = scores.cpu()  # no float64 there
    labels = labels.to(scores.device)
    size = max(1, _CHUNK // max(1, len(scores)))
    for start in range(0, scores.shape[1], size):
        part = scores[:, start : start + size]
        if part.dtype in (torch.float16, torch.bfloat16):
            part = part.float()  # exact, and sorted faster
        yield part.T.contiguous(), labels[:, start : start + size].T.contiguous()
