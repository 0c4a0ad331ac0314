"""Binary cross-entropy over the known labels only, as a function and as a module."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from trmml.functional import LabelReduction, reduce_over_labels
from trmml.functional.checks import check_axes, check_labels_on_cpu
from trmml.functional.unit_vectors import at_least_float32
from trmml.labels import NEGATIVE, Labels, known_mask
from trmml.losses.label_loss import LabelLoss

__all__ = ["KnownBCELoss", "known_bce_loss"]


def known_bce_loss(
    logits: Float[Tensor, "batch classes"],
    labels: Labels,
    *,
    reduction: LabelReduction = "batch_mean",
) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
    r"""Penalise wrong known labels by their surprise, unknown labels not at all.

    $$ \ell_{b,c} = \begin{cases}
       -\log p & y_{b,c} = +1 \\ -\log(1 - p) & y_{b,c} = -1 \\ 0 & y_{b,c} = 0 \end{cases} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `logits.sigmoid()` | predicted probability |
    | $y$ | `labels` | +1, -1 or 0 |

    Source: the partial binary cross-entropy of [Durand et al.](https://arxiv.org/abs/1902.09720)
    (CVPR 2019).
    Differs from the paper: each image's sum is not scaled up by its share of known labels;
    `reduction="mean"` divides by their number in the whole batch.

    Args:
        logits: Scores before the sigmoid. Where the label is unknown they may hold anything,
            inf and nan included: they get neither value nor gradient.
        labels: Labels in {-1, 0, +1}; any other value counts as unknown.
        reduction: As in `trmml.functional.reduce_over_labels`.

    Returns:
        Loss in nats, float32 for half-precision input; per label for `reduction="none"`.

    Raises:
        ValueError: If shapes disagree, or `reduction` is another name.

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> known_bce_loss(logits, torch.tensor([[1, -1, 0], [0, -1, 1]]))
        tensor(2.8079)
    """
    check_axes(logits=(logits, "batch classes"), labels=(labels, "batch classes"))
    known = known_mask(labels)
    logits = torch.where(known, at_least_float32(logits), 0)
    right = torch.where(labels == NEGATIVE, -logits, logits)  # how sure of what the label says
    loss = torch.where(known, -F.logsigmoid(right), 0)
    return reduce_over_labels(loss, known, reduction=reduction)


class KnownBCELoss(LabelLoss):
    r"""Penalise wrong known labels by their surprise, unknown labels not at all.

    $$ \ell_{b,c} = -\log p \ \text{if}\ y_{b,c} = +1, \quad
       -\log(1 - p) \ \text{if}\ y_{b,c} = -1, \quad 0 \ \text{otherwise} $$

    The function is `known_bce_loss` in the same file; its docstring has the symbols.

    Source: the partial binary cross-entropy of [Durand et al.](https://arxiv.org/abs/1902.09720)
    (CVPR 2019).
    Differs from the paper: each image's sum is not scaled up by its share of known labels.

    Args:
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of
            known labels (0 when there is none), "sum" and "none" as named.

    Raises:
        ValueError: If `reduction` is another name.

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> KnownBCELoss(reduction="mean")(logits, torch.tensor([[1, -1, 0], [0, -1, 1]]))
        tensor(1.4039)
    """

    def forward(
        self, logits: Float[Tensor, "batch classes"], labels: Labels
    ) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
        """Return the loss of a batch; logits of unknown labels may hold anything.

        Raises:
            ValueError: If shapes disagree, or, eagerly on the CPU, labels hold other values than
                -1, 0 and +1. Elsewhere these count as unknown, as looking would wait for the GPU.
        """
        check_labels_on_cpu(labels)
        return known_bce_loss(logits, labels, reduction=self.reduction)
