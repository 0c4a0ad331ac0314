"""Which known labels are most likely wrong."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.functional.checks import check_axes
from trmml.labels import POSITIVE, UNKNOWN, Labels, check_labels

__all__ = ["SuspectLabels", "rank_suspects"]


class SuspectLabels(NamedTuple):
    """Known cells, the most suspect first.

    Attributes:
        rows: Images.
        columns: Classes.
        given: Labels as they are, +1 or -1.
        confidence: Probability of the given label; what is ranked by.
    """

    rows: Int[Tensor, " cells"]
    columns: Int[Tensor, " cells"]
    given: Int[Tensor, " cells"]
    confidence: Float[Tensor, " cells"]


def rank_suspects(
    probabilities: Float[Tensor, "images classes"], labels: Labels, *, top_k: int | None = None
) -> SuspectLabels:
    r"""Rank the known labels by how unlikely they are; unknown ones have no place.

    $$ q_{i,c} = \begin{cases} p_{i,c} & y_{i,c} = +1 \\ 1 - p_{i,c} & y_{i,c} = -1 \end{cases} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `probabilities` | that the class is there, by whoever did not see the label |
    | $y$ | `labels` | as given |
    | $q$ | `confidence` | the lower, the more suspect |

    If mistakes are as frequent among positives as among negatives, no other order finds more of
    them than $q$ does, as long as the probabilities are right.

    Source: the self-confidence of [Confident Learning](https://arxiv.org/abs/1911.00068) (Northcutt
    et al., JAIR 70, 2021).
    Differs from the paper: each class is a question of its own, and only known labels are ranked.

    Args:
        probabilities: In [0, 1], of `out_of_fold_probabilities` for example. A column of nan is
            of a class that nobody judged, and left out.
        labels: +1, -1, and 0 where nothing is known.
        top_k: How many to return, >= 1; None for all.

    Returns:
        Cells; those that are as likely as each other in the order of images, then classes.

    Raises:
        ValueError: If shapes disagree, a probability is out of range, labels hold other values, or
            `top_k` is below 1.

    Examples:
        >>> probabilities = torch.tensor([[0.9, 0.2], [0.6, 0.7]])
        >>> found = rank_suspects(probabilities, torch.tensor([[-1, -1], [1, 0]]))
        >>> found.rows.tolist(), found.columns.tolist()
        ([0, 1, 0], [0, 0, 1])
    """
    check_axes(probabilities=(probabilities, "images classes"), labels=(labels, "images classes"))
    check_labels(labels)
    if top_k is not None and top_k < 1:
        raise ValueError(f"`top_k` must be at least 1, got {top_k}; None returns all.")
    if bool(((probabilities < 0) | (probabilities > 1)).any()):
        raise ValueError("`probabilities` must be in [0, 1], got others; logits need a sigmoid.")
    places = ((labels != UNKNOWN) & ~probabilities.isnan()).nonzero()
    given = labels[places[:, 0], places[:, 1]]
    present = probabilities[places[:, 0], places[:, 1]]
    confidence = torch.where(given == POSITIVE, present, 1 - present)
    order = confidence.argsort(stable=True)[:top_k]
    rows, columns = places[order].unbind(1)
    return SuspectLabels(rows, columns, given[order], confidence[order])
