"""From the loss of single labels to the loss of a batch."""

from typing import Literal

from jaxtyping import Bool, Float
from torch import Tensor

from trmml.choices import check_choice
from trmml.functional.checks import check_axes

__all__ = ["LabelReduction", "reduce_over_labels"]

LabelReduction = Literal["batch_mean", "mean", "sum", "none"]
"""How the loss of single labels becomes the loss of a batch."""


def reduce_over_labels(
    loss: Float[Tensor, "batch classes"],
    known: Bool[Tensor, "batch classes"],
    *,
    reduction: LabelReduction = "batch_mean",
) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
    r"""Sum the loss of single labels, and divide by what the reduction names.

    $$ L = \frac1N \sum_{b,c} \ell_{b,c}, \qquad
       N = B \ \text{or}\ |\{(b, c) : y_{b,c} \ne 0\}| \ \text{or}\ 1 $$

    | symbol | in code | meaning |
    |---|---|---|
    | $\ell$ | `loss` | loss of each label, 0 where it is unknown |
    | $y \ne 0$ | `known` | which labels are known |
    | $B$ | `len(loss)` | batch size |

    Source: "batch_mean" is the scale of [Ridnik et al.](https://arxiv.org/abs/2009.14119) (ICCV
    2021) and the partial-label methods after it, for which the field's learning rates are meant.
    Differs from the paper: its script sums over the batch; the others are as their names say.

    Args:
        loss: Loss of each label.
        known: Where a label is known, as `trmml.labels.known_mask` gives it.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of
            known labels, "sum" and "none" as named.

    Returns:
        The loss of the batch, 0 where nothing is known or the batch is empty; `loss` itself for
        "none".

    Raises:
        ValueError: If shapes disagree, or `reduction` is another name.

    Examples:
        >>> import torch
        >>> loss, known = torch.tensor([[0.5, 0.0], [0.2, 0.3]]), torch.tensor([[1, 0], [1, 1]])
        >>> reduce_over_labels(loss, known.bool(), reduction="batch_mean")
        tensor(0.5000)
        >>> reduce_over_labels(loss, known.bool(), reduction="mean")
        tensor(0.3333)
    """
    check_axes(loss=(loss, "batch classes"), known=(known, "batch classes"))
    check_choice(reduction, LabelReduction, argument="reduction")
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    count = known.sum().clamp_min(1) if reduction == "mean" else max(loss.shape[0], 1)
    return loss.sum() / count
