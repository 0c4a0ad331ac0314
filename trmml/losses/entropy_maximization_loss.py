"""Entropy maximisation: unknown labels are acknowledged to be unknown."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from trmml.functional import LabelReduction, reduce_over_labels
from trmml.functional.checks import check_axes, check_labels_on_cpu
from trmml.functional.unit_vectors import at_least_float32
from trmml.labels import NEGATIVE, Labels, known_mask
from trmml.losses.label_loss import LabelLoss

__all__ = ["EntropyMaximizationLoss", "entropy_maximization_loss"]


def entropy_maximization_loss(
    logits: Float[Tensor, "batch classes"],
    labels: Labels,
    *,
    entropy_weight: float = 0.1,
    reduction: LabelReduction = "batch_mean",
) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
    r"""Penalise wrong known labels, and reward doubt about unknown ones.

    $$ \ell_{b,c} = \begin{cases}
       -\log p & y_{b,c} = +1 \\ -\log(1 - p) & y_{b,c} = -1 \\
       -\alpha\, H(p) & y_{b,c} = 0 \end{cases} \qquad
       H(p) = -p \log p - (1 - p) \log(1 - p) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `logits.sigmoid()` | predicted probability |
    | $y$ | `labels` | +1, -1 or 0 |
    | $\alpha$ | `entropy_weight` | what doubt is worth |
    | $H$ | `entropy` | entropy of the prediction, at most log 2 |

    Source: the entropy-maximisation loss of [Zhou et al.](https://arxiv.org/abs/2203.16219) (ECCV
    2022), without their pseudo-labels.
    Differs from the paper: labels known to be negative, of which its single positives have none,
    cost cross-entropy. Its mean over all labels is the reduction "mean".

    Args:
        logits: Scores before the sigmoid.
        labels: Labels in {-1, 0, +1}; any other value counts as unknown.
        entropy_weight: >= 0, finite (public code: 0.2 for VOC, 0.1 for COCO and NUS-WIDE, 0.01 for
            CUB). 0 leaves unknown labels out.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Returns:
        Loss in nats, float32 for half-precision input; per label for `reduction="none"`. It may be
        below 0, down to minus `entropy_weight` times log 2 for each unknown label.

    Raises:
        ValueError: If shapes disagree, `entropy_weight` is negative or not finite, or `reduction`
            is another name.

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> entropy_maximization_loss(logits, torch.tensor([[1, -1, 0], [0, -1, 1]]))
        tensor(2.7401)
    """
    check_axes(logits=(logits, "batch classes"), labels=(labels, "batch classes"))
    _check(entropy_weight)
    logits, known = at_least_float32(logits), known_mask(labels)
    right = torch.where(labels == NEGATIVE, -logits, logits)
    p = logits.sigmoid()
    entropy = p * F.softplus(-logits) + (1 - p) * F.softplus(logits)
    loss = torch.where(known, -F.logsigmoid(right), -entropy_weight * entropy)
    return reduce_over_labels(loss, torch.ones_like(known), reduction=reduction)


class EntropyMaximizationLoss(LabelLoss):
    r"""Penalise wrong known labels, and reward doubt about unknown ones.

    $$ \ell_{b,c} = -\log p \ \text{if}\ y_{b,c} = +1, \quad
       -\log(1 - p) \ \text{if}\ y_{b,c} = -1, \quad -\alpha\, H(p) \ \text{if}\ y_{b,c} = 0 $$

    The function is `entropy_maximization_loss` in the same file; its docstring has the symbols.
    The loss may be negative.

    Source: the entropy-maximisation loss of [Zhou et al.](https://arxiv.org/abs/2203.16219) (ECCV
    2022), without their pseudo-labels.
    Differs from the paper: labels known to be negative, of which its single positives have none,
    cost cross-entropy. Its mean over all labels is the reduction "mean".

    Args:
        entropy_weight: >= 0, finite (public code: 0.2 for VOC, 0.1 for COCO and NUS-WIDE, 0.01 for
            CUB). 0 leaves unknown labels out, large values keep all unknown ones at one half.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Raises:
        ValueError: If `entropy_weight` is negative or not finite, or `reduction` is another name.

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> loss = EntropyMaximizationLoss(entropy_weight=0.2, reduction="mean")
        >>> loss(logits, torch.tensor([[1, -1, 0], [0, -1, 1]]))
        tensor(0.8908)
    """

    uses_unknown = True
    mean_over = "all labels"

    def __init__(
        self, *, entropy_weight: float = 0.1, reduction: LabelReduction = "batch_mean"
    ) -> None:
        """Check and keep the settings."""
        super().__init__(reduction=reduction)
        _check(entropy_weight)
        self.entropy_weight = entropy_weight

    def forward(
        self, logits: Float[Tensor, "batch classes"], labels: Labels
    ) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
        """Return the loss of a batch.

        Raises:
            ValueError: If shapes disagree, or, eagerly on the CPU, labels hold other values than
                -1, 0 and +1. Elsewhere these count as unknown, as looking would wait for the GPU.
        """
        check_labels_on_cpu(labels)
        return entropy_maximization_loss(
            logits, labels, entropy_weight=self.entropy_weight, reduction=self.reduction
        )


def _check(entropy_weight: float) -> None:
    if not 0 <= entropy_weight < math.inf:
        raise ValueError(
            f"`entropy_weight` must be finite and at least 0, got {entropy_weight}; 0 leaves "
            "unknown labels out."
        )
