"""Which label to ask a person about first."""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.special import entr

from trmml.choices import check_choice
from trmml.data import ImageTable
from trmml.labels import POSITIVE
from trmml.prediction.proposal import Proposal

__all__ = ["ReviewOrder", "answer_value", "order_for_review"]

ReviewOrder = Literal["usefulness", "confidence"]
"""What comes first: the label whose answer is worth most, or the one that is surest."""


def answer_value(
    probability: Float[Tensor, "*shape"], positives: Int[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    r"""Return what a person's answer about a label is worth: most where least is known.

    $$ v = \frac{-p \log_2 p - (1 - p) \log_2 (1 - p)}{\sqrt{1 + n}} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `probability` | that the class is there |
    | $n$ | `positives` | known positive labels of the class |

    The numerator is what is expected to be learnt, in bits: 1 where both answers are as likely, 0
    where the answer is sure. What is known of a class from $n$ positives is off by about
    $1 / \sqrt{n}$, so that an answer about a class with four times as many is worth half.

    Source: this library; the numerator is uncertainty sampling by entropy, see [Settles, 2009](
    https://minds.wisconsin.edu/handle/1793/60660).

    Args:
        probability: In [0, 1].
        positives: At least 0.

    Returns:
        In [0, 1]; 0 where the probability is 0 or 1.

    Examples:
        >>> probability = torch.tensor([0.5, 0.5, 1.0])
        >>> answer_value(probability, torch.tensor([0, 3, 0]))
        tensor([1.0000, 0.5000, 0.0000])
    """
    bits = (entr(probability) + entr(1 - probability)) / torch.log(torch.full_like(probability, 2))
    return bits / (1 + positives).sqrt()


def order_for_review(
    proposals: Sequence[Proposal], table: ImageTable, *, order: ReviewOrder
) -> list[Proposal]:
    """Return proposals in the order in which a person should look at them.

    Args:
        proposals: In any order; equal ones keep theirs.
        table: The labels that they were made for.
        order: What comes first; "usefulness" is by `answer_value`.

    Raises:
        ValueError: If there is no such order.
    """
    check_choice(order, ReviewOrder, argument="order")
    if order == "confidence":
        return sorted(proposals, key=lambda one: -one.confidence)
    known = (table.labels == POSITIVE).sum(0)
    column = {name: place for place, name in enumerate(table.class_names)}
    probability = torch.tensor([one.probability for one in proposals], dtype=torch.float64)
    positives = known[[column[one.class_name] for one in proposals]]
    best = answer_value(probability, positives).argsort(descending=True, stable=True)
    return [proposals[place] for place in best.tolist()]
