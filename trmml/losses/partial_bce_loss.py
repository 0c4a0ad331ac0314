"""Cross-entropy of the known labels, scaled up for what is missing of each image."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.functional import LabelReduction, reduce_over_labels
from trmml.functional.checks import check_labels_on_cpu
from trmml.labels import Labels, known_mask
from trmml.losses.known_bce_loss import known_bce_loss
from trmml.losses.label_loss import LabelLoss

__all__ = ["PartialBCELoss", "check_partial_bce", "partial_bce_loss"]


def partial_bce_loss(
    logits: Float[Tensor, "batch classes"],
    labels: Labels,
    *,
    alpha: float = -4.45,
    beta: float = 5.45,
    gamma: float = 1.0,
    reduction: LabelReduction = "batch_mean",
) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
    r"""Penalise wrong known labels, and more so where an image has few of them.

    $$ \ell_{b,c} = g(k_b) \begin{cases}
       -\log p & y_{b,c} = +1 \\ -\log(1 - p) & y_{b,c} = -1 \\ 0 & y_{b,c} = 0 \end{cases},
       \qquad g(k) = \alpha k^\gamma + \beta $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `logits.sigmoid()` | predicted probability |
    | $y$ | `labels` | +1, -1 or 0 |
    | $k_b$ | `share` | share of the image's labels that are known, in [0, 1] |
    | $\alpha, \gamma, \beta$ | `alpha`, `gamma`, `beta` | shape of $g$ |

    Source: Eq. (1) and (2) of [Durand et al.](https://arxiv.org/abs/1902.09720) (CVPR 2019).
    Differs from the paper: its 1 / C is left to the reduction: "mean" is the paper's value.

    Args:
        logits: Scores before the sigmoid. Where the label is unknown they may hold anything.
        labels: Labels in {-1, 0, +1}; any other value counts as unknown.
        alpha: Finite (with the others' defaults: g is 5 at a tenth of the labels, 1 at all). 0
            scales all images alike.
        beta: Finite; with `alpha` = 0 the one scale.
        gamma: Finite. -1, with `beta` = 0, gives each image the mean over its known labels.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, for g stands for the unknown ones; "sum" and "none" as named.

    Returns:
        Loss in nats, float32 for half-precision input; per label for `reduction="none"`.

    Raises:
        ValueError: If shapes disagree, a number is not finite, or `reduction` is another name.

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> partial_bce_loss(logits, torch.tensor([[1, -1, 0], [0, -1, 1]]))
        tensor(6.9728)
    """
    check_partial_bce(alpha=alpha, beta=beta, gamma=gamma)
    loss = known_bce_loss(logits, labels, reduction="none")
    share = known_mask(labels).to(loss.dtype).mean(dim=1, keepdim=True)
    # Without a known label there is nothing to scale, and a negative power would be infinite.
    scale = alpha * torch.where(share > 0, share, 1) ** gamma + beta
    everything = torch.ones_like(loss, dtype=torch.bool)
    return reduce_over_labels(scale * loss, everything, reduction=reduction)


class PartialBCELoss(LabelLoss):
    r"""Penalise wrong known labels, and more so where an image has few of them.

    $$ \ell_{b,c} = g(k_b)\,\mathrm{BCE}(p, y_{b,c}) \ \text{if}\ y_{b,c} \ne 0, \quad
       0 \ \text{otherwise}, \qquad g(k) = \alpha k^\gamma + \beta $$

    The function is `partial_bce_loss` in the same file; its docstring has the symbols.

    Source: Eq. (1) and (2) of [Durand et al.](https://arxiv.org/abs/1902.09720) (CVPR 2019).
    Differs from the paper: its 1 / C is left to the reduction: "mean" is the paper's value.

    Args:
        alpha: Finite (with the others' defaults: g is 5 at a tenth of the labels, 1 at all).
        beta: Finite.
        gamma: Finite. -1, with `alpha` = 1 and `beta` = 0, is the mean over the known labels times
            the number of classes, image by image.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, for g stands for the unknown ones; "sum" and "none" as named.

    Raises:
        ValueError: If a number is not finite, or `reduction` is another name.

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> PartialBCELoss(reduction="mean")(logits, torch.tensor([[1, -1, 0], [0, -1, 1]]))
        tensor(2.3243)
    """

    mean_over = "all labels"

    def __init__(
        self,
        *,
        alpha: float = -4.45,
        beta: float = 5.45,
        gamma: float = 1.0,
        reduction: LabelReduction = "batch_mean",
    ) -> None:
        """Check and keep the settings."""
        super().__init__(reduction=reduction)
        check_partial_bce(alpha=alpha, beta=beta, gamma=gamma)
        self.alpha, self.beta, self.gamma = alpha, beta, gamma

    def forward(
        self, logits: Float[Tensor, "batch classes"], labels: Labels
    ) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
        """Return the loss of a batch; logits of unknown labels may hold anything.

        Raises:
            ValueError: If shapes disagree, or, eagerly on the CPU, labels hold other values than
                -1, 0 and +1. Elsewhere these count as unknown, as looking would wait for the GPU.
        """
        check_labels_on_cpu(labels)
        return partial_bce_loss(
            logits,
            labels,
            alpha=self.alpha,
            beta=self.beta,
            gamma=self.gamma,
            reduction=self.reduction,
        )


def check_partial_bce(**numbers: float) -> None:
    """Refuse numbers that make no g."""
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise ValueError(
                f"`{name}` must be finite, got {value}; the paper's g has alpha -4.45, beta 5.45 "
                "and gamma 1."
            )
