"""The hill loss: negatives that look like positives count little, for they may be missed ones."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.functional import LabelReduction, reduce_over_labels
from trmml.functional.asymmetric_loss import asymmetric_loss
from trmml.functional.checks import check_exponent, check_labels_on_cpu, check_logit_margin
from trmml.functional.unit_vectors import at_least_float32
from trmml.labels import POSITIVE, Labels
from trmml.losses.label_loss import LabelLoss

__all__ = ["HillLoss", "hill_loss"]


def hill_loss(
    logits: Float[Tensor, "batch classes"],
    labels: Labels,
    *,
    logit_margin: float = 1.0,
    gamma: float = 2.0,
    lam: float = 1.5,
    reduction: LabelReduction = "batch_mean",
) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
    r"""Penalise what is no listed positive by a hill, whose slope ends where p comes near 1.

    $$ \ell_{b,c} = \begin{cases}
       -(1 - p_m)^\gamma \log p_m & y_{b,c} = +1 \\
       (\lambda - p)\, p^2 & \text{otherwise} \end{cases} \qquad p_m = \sigma(x - m) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $x$ | `logits` | score before the sigmoid |
    | $p$ | `logits.sigmoid()` | predicted probability |
    | $y$ | `labels` | +1, -1 or 0 |
    | $m$ | `logit_margin` | how far beyond its place a positive is pushed |
    | $\gamma$ | `gamma` | focusing exponent of positives |
    | $\lambda$ | `lam` | height of the hill |

    Source: the Hill loss of [Zhang et al.](https://arxiv.org/abs/2112.07368) (2021).
    Differs from the paper: it sums over the batch, here "sum". Its labels are positives and all
    others; here all others are both known negatives and unknown ones.

    Args:
        logits: Scores before the sigmoid.
        labels: Labels in {-1, 0, +1}; what is not +1 counts as not listed.
        logit_margin: Finite (paper: 1). 0 leaves positives a focal loss.
        gamma: >= 0 (paper: 2). 0 gives positives cross-entropy.
        lam: >= 1, finite (paper: 1.5). Below 1.5 likely negatives are pushed up, not down; far
            above it the hill becomes the squared error.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Returns:
        Loss, float32 for half-precision input; per label for `reduction="none"`.

    Raises:
        ValueError: If shapes disagree, a number is outside its range, or `reduction` is another
            name.

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> hill_loss(logits, torch.tensor([[1, -1, 0], [0, -1, 1]]))
        tensor(1.9824)
    """
    _check(logit_margin=logit_margin, gamma=gamma, lam=lam)
    logits, positive = at_least_float32(logits), labels == POSITIVE
    listed = asymmetric_loss(
        logits - logit_margin, positive.to(labels.dtype), gamma_pos=gamma, reduction="none"
    )
    p = logits.sigmoid()
    loss = torch.where(positive, listed, (lam - p) * p.square())
    return reduce_over_labels(loss, torch.ones_like(positive), reduction=reduction)


class HillLoss(LabelLoss):
    r"""Penalise what is no listed positive by a hill, whose slope ends where p comes near 1.

    $$ \ell_{b,c} = -(1 - p_m)^\gamma \log p_m \ \text{if}\ y_{b,c} = +1, \quad
       (\lambda - p)\, p^2 \ \text{otherwise}, \qquad p_m = \sigma(x - m) $$

    The function is `hill_loss` in the same file; its docstring has the symbols.

    Source: the Hill loss of [Zhang et al.](https://arxiv.org/abs/2112.07368) (2021).
    Differs from the paper: it sums over the batch, here "sum". Its labels are positives and all
    others; here all others are both known negatives and unknown ones.

    Args:
        logit_margin: Finite (paper: 1). 0 leaves positives a focal loss.
        gamma: >= 0 (paper: 2). 0 gives positives cross-entropy.
        lam: >= 1, finite (paper: 1.5). Below 1.5 likely negatives are pushed up, not down.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Raises:
        ValueError: If a number is outside its range, or `reduction` is another name.

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> HillLoss(reduction="sum")(logits, torch.tensor([[1, -1, 0], [0, -1, 1]]))
        tensor(3.9647)
    """

    uses_unknown = True
    mean_over = "all labels"

    def __init__(
        self,
        *,
        logit_margin: float = 1.0,
        gamma: float = 2.0,
        lam: float = 1.5,
        reduction: LabelReduction = "batch_mean",
    ) -> None:
        """Check and keep the settings."""
        super().__init__(reduction=reduction)
        _check(logit_margin=logit_margin, gamma=gamma, lam=lam)
        self.logit_margin, self.gamma, self.lam = logit_margin, gamma, lam

    def forward(
        self, logits: Float[Tensor, "batch classes"], labels: Labels
    ) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
        """Return the loss of a batch.

        Raises:
            ValueError: If shapes disagree, or, eagerly on the CPU, labels hold other values than
                -1, 0 and +1. Elsewhere these count as unknown, as looking would wait for the GPU.
        """
        check_labels_on_cpu(labels)
        return hill_loss(
            logits,
            labels,
            logit_margin=self.logit_margin,
            gamma=self.gamma,
            lam=self.lam,
            reduction=self.reduction,
        )


def _check(*, logit_margin: float, gamma: float, lam: float) -> None:
    check_logit_margin(logit_margin)
    check_exponent(gamma, argument="gamma")
    if not 1 <= lam < math.inf:
        raise ValueError(
            f"`lam` must be finite and at least 1, got {lam}; below, a negative's loss would be "
            "negative."
        )
