"""Cross-entropy that takes unknown labels for negative: in full, weakly, or smoothed."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from trmml.choices import check_choice
from trmml.functional import LabelReduction, reduce_over_labels
from trmml.functional.checks import check_axes, check_labels_on_cpu
from trmml.functional.unit_vectors import at_least_float32
from trmml.labels import POSITIVE, Labels, known_mask
from trmml.losses.label_loss import LabelLoss

__all__ = ["AssumeNegativeLoss", "assume_negative_loss"]

Weight = Literal["none", "weak"]
Smoothed = Literal["all", "unknown"]


def assume_negative_loss(
    logits: Float[Tensor, "batch classes"],
    labels: Labels,
    *,
    weight: Weight = "none",
    smoothing: float = 0.0,
    smoothed: Smoothed = "all",
    reduction: LabelReduction = "batch_mean",
) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
    r"""Penalise wrong known labels, and unknown ones as if they were negative.

    $$ \ell_{b,c} = -w_{b,c} \begin{cases}
       (1 - \epsilon) \log p + \epsilon \log(1 - p) & y_{b,c} = +1 \\
       (1 - \epsilon) \log(1 - p) + \epsilon \log p & \text{otherwise} \end{cases} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `logits.sigmoid()` | predicted probability |
    | $y$ | `labels` | +1, -1 or 0 |
    | $w$ | `weight` | 1; with "weak", 1 / (C - 1) where the label is unknown |
    | $\epsilon$ | `smoothing` | how much of each label is not believed |
    | $C$ | `logits.shape[1]` | number of classes |

    Source: AN, WAN and AN-LS of [Cole et al.](https://arxiv.org/abs/2106.09708) (CVPR 2021).
    Differs from the paper: labels known to be negative, of which its single positives have none,
    count in full with "weak" too. Its 1 / C is left to the reduction: "mean" is the paper's value.
    Its epsilon is twice `smoothing`, for it moves half of it. Its public code adds 1e-5 inside the
    logarithms, which log space does not need.

    Args:
        logits: Scores before the sigmoid.
        labels: Labels in {-1, 0, +1}; any other value counts as unknown.
        weight: "none" is AN; "weak" is WAN, in which all assumed negatives of an image weigh as
            much as one positive.
        smoothing: In [0, 0.5) (the public code's AN-LS: 0.1). 0 believes all labels.
        smoothed: What is smoothed: "all" labels, as AN-LS does, or the "unknown" alone, so that
            what is known stays so.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Returns:
        Loss in nats, float32 for half-precision input; per label for `reduction="none"`.

    Raises:
        ValueError: If shapes disagree, a name is another one, or `smoothing` is outside [0, 0.5).

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> assume_negative_loss(logits, torch.tensor([[1, -1, 0], [0, -1, 1]]))
        tensor(3.6415)
    """
    check_axes(logits=(logits, "batch classes"), labels=(labels, "batch classes"))
    _check(weight, smoothing, smoothed)
    logits, unknown = at_least_float32(logits), ~known_mask(labels)
    right = torch.where(labels == POSITIVE, logits, -logits)  # how sure of what is assumed
    loss = -F.logsigmoid(right)
    if smoothing:
        softer = (1 - smoothing) * loss - smoothing * F.logsigmoid(-right)
        loss = softer if smoothed == "all" else torch.where(unknown, softer, loss)
    if weight == "weak":
        loss = torch.where(unknown, loss / max(logits.shape[1] - 1, 1), loss)
    return reduce_over_labels(loss, torch.ones_like(unknown), reduction=reduction)


class AssumeNegativeLoss(LabelLoss):
    r"""Penalise wrong known labels, and unknown ones as if they were negative.

    $$ \ell_{b,c} = -\log p \ \text{if}\ y_{b,c} = +1, \quad
       -w_{b,c} \log(1 - p) \ \text{otherwise} $$

    The function is `assume_negative_loss` in the same file; its docstring has the symbols, and the
    equation with smoothing.

    Source: AN, WAN and AN-LS of [Cole et al.](https://arxiv.org/abs/2106.09708) (CVPR 2021).
    Differs from the paper: labels known to be negative, of which its single positives have none,
    count in full with "weak" too. Its 1 / C is left to the reduction: "mean" is the paper's value.

    Args:
        weight: "none" is AN; "weak" is WAN, in which all assumed negatives of an image weigh as
            much as one positive. With sampled classes these are the sampled ones.
        smoothing: In [0, 0.5) (the public code's AN-LS: 0.1). 0 believes all labels.
        smoothed: What is smoothed: "all" labels, as AN-LS does, or the "unknown" alone.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Raises:
        ValueError: If a name is another one, or `smoothing` is outside [0, 0.5).

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> labels = torch.tensor([[1, -1, 0], [0, -1, 1]])
        >>> AssumeNegativeLoss(weight="weak", smoothing=0.1)(logits, labels)
        tensor(3.1122)
    """

    uses_unknown = True
    mean_over = "all labels"

    def __init__(
        self,
        *,
        weight: Weight = "none",
        smoothing: float = 0.0,
        smoothed: Smoothed = "all",
        reduction: LabelReduction = "batch_mean",
    ) -> None:
        """Check and keep the settings."""
        super().__init__(reduction=reduction)
        _check(weight, smoothing, smoothed)
        self.weight: Weight = weight
        self.smoothing = smoothing
        self.smoothed: Smoothed = smoothed

    def forward(
        self, logits: Float[Tensor, "batch classes"], labels: Labels
    ) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
        """Return the loss of a batch.

        Raises:
            ValueError: If shapes disagree, or, eagerly on the CPU, labels hold other values than
                -1, 0 and +1. Elsewhere these count as unknown, as looking would wait for the GPU.
        """
        check_labels_on_cpu(labels)
        return assume_negative_loss(
            logits,
            labels,
            weight=self.weight,
            smoothing=self.smoothing,
            smoothed=self.smoothed,
            reduction=self.reduction,
        )


def _check(weight: str, smoothing: float, smoothed: str) -> None:
    check_choice(weight, Weight, argument="weight")
    check_choice(smoothed, Smoothed, argument="smoothed")
    if not 0 <= smoothing < 0.5:
        raise ValueError(
            f"`smoothing` must be in [0, 0.5), got {smoothing}; it is how much of a label is not "
            "believed, 0 turns it off."
        )
