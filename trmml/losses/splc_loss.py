"""Self-paced loss correction: what training has come to be sure of is taken for a positive."""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from trmml.functional import LabelReduction, reduce_over_labels
from trmml.functional.asymmetric_loss import asymmetric_loss
from trmml.functional.checks import (
    check_axes,
    check_exponent,
    check_labels_on_cpu,
    check_logit_margin,
)
from trmml.functional.unit_vectors import at_least_float32
from trmml.labels import NEGATIVE, POSITIVE, Labels, known_mask
from trmml.losses.label_loss import LabelLoss

__all__ = ["SPLCLoss", "splc_loss"]


def splc_loss(
    logits: Float[Tensor, "batch classes"],
    labels: Labels,
    *,
    corrects: bool | Bool[Tensor, ""],
    threshold: float = 0.6,
    logit_margin: float = 1.0,
    gamma: float = 2.0,
    reduction: LabelReduction = "batch_mean",
) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
    r"""Take unknown labels for negative, and later for positive where the score is high.

    $$ \ell_{b,c} = \begin{cases}
       -(1 - p_m)^\gamma \log p_m & y_{b,c} = +1 \\
       -(1 - p)^\gamma \log p & y_{b,c} = 0,\ p > \tau,\ \text{when it corrects} \\
       -p^\gamma \log(1 - p) & \text{otherwise} \end{cases} \qquad p_m = \sigma(x - m) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $x$ | `logits` | score before the sigmoid |
    | $p$ | `logits.sigmoid()` | predicted probability |
    | $y$ | `labels` | +1, -1 or 0 |
    | $\tau$ | `threshold` | from where an unknown label is taken for positive |
    | $m$ | `logit_margin` | how far beyond its place a listed positive is pushed |
    | $\gamma$ | `gamma` | focusing exponent of both sides |

    Source: SPLC of [Zhang et al.](https://arxiv.org/abs/2112.07368) (2021).
    Differs from the paper: it sums over the batch, here "sum". Its labels are positives and all
    others; here a label known to be negative is never corrected.

    Args:
        logits: Scores before the sigmoid.
        labels: Labels in {-1, 0, +1}; any other value counts as unknown.
        corrects: Whether unknown labels above the threshold are taken for positive (paper: from
            the second epoch on).
        threshold: In (0, 1) (paper: 0.6, and 0.65 with 75 % of the labels).
        logit_margin: Finite (paper: 1). 0 leaves listed positives a focal loss.
        gamma: >= 0 (paper: 2). 0 gives cross-entropy.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Returns:
        Loss in nats, float32 for half-precision input; per label for `reduction="none"`.

    Raises:
        ValueError: If shapes disagree, a number is outside its range, or `reduction` is another
            name.

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> splc_loss(logits, torch.tensor([[1, -1, 0], [0, -1, 1]]), corrects=True)
        tensor(2.9094)
    """
    check_axes(logits=(logits, "batch classes"), labels=(labels, "batch classes"))
    _check(threshold=threshold, logit_margin=logit_margin, gamma=gamma)
    logits, known = at_least_float32(logits), known_mask(labels)
    sure = logits.detach() > math.log(threshold / (1 - threshold))
    taken = torch.where(known, labels, NEGATIVE)
    taken = torch.where(~known & sure & corrects, POSITIVE, taken)
    shifted = torch.where(labels == POSITIVE, logits - logit_margin, logits)
    loss = asymmetric_loss(
        shifted, taken, gamma_pos=gamma, gamma_neg=gamma, margin=0.0, reduction="none"
    )
    return reduce_over_labels(loss, torch.ones_like(known), reduction=reduction)


class SPLCLoss(LabelLoss):
    r"""Take unknown labels for negative, and after some epochs for positive where p is high.

    $$ \ell_{b,c} = -(1 - p_m)^\gamma \log p_m \ \text{if}\ y_{b,c} = +1, \quad
       -(1 - p)^\gamma \log p \ \text{if}\ y_{b,c} = 0,\ p > \tau,\ t \ge t_0, \quad
       -p^\gamma \log(1 - p) \ \text{otherwise} $$

    The function is `splc_loss` in the same file; its docstring has the symbols. $t$ is `epoch`, a
    buffer that `begin_epoch` sets and the state keeps, and $t_0$ is `first_epoch`. The engine says
    which epoch it is; a loop of one's own has to, or nothing is ever corrected.

    Source: SPLC of [Zhang et al.](https://arxiv.org/abs/2112.07368) (2021).
    Differs from the paper: it sums over the batch, here "sum". Its labels are positives and all
    others; here a label known to be negative is never corrected.

    Args:
        threshold: In (0, 1) (paper: 0.6, and 0.65 with 75 % of the labels). Near 1 nothing is
            corrected.
        first_epoch: >= 0, from 0 (paper: 1). 0 corrects from the start.
        logit_margin: Finite (paper: 1). 0 leaves listed positives a focal loss.
        gamma: >= 0 (paper: 2). 0 gives cross-entropy.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Raises:
        ValueError: If a number is outside its range, or `reduction` is another name.

    Examples:
        >>> loss = SPLCLoss()
        >>> logits, labels = torch.tensor([[2.0, -1.0, 0.5]]), torch.tensor([[0, -1, 1]])
        >>> loss(logits, labels)
        tensor(2.0501)
        >>> loss.begin_epoch(1)
        >>> loss(logits, labels)
        tensor(0.4019)
    """

    uses_unknown = True
    mean_over = "all labels"
    epoch: Int[Tensor, ""]

    def __init__(
        self,
        *,
        threshold: float = 0.6,
        first_epoch: int = 1,
        logit_margin: float = 1.0,
        gamma: float = 2.0,
        reduction: LabelReduction = "batch_mean",
    ) -> None:
        """Check and keep the settings, and begin with epoch 0."""
        super().__init__(reduction=reduction)
        _check(threshold=threshold, logit_margin=logit_margin, gamma=gamma)
        if first_epoch < 0:
            raise ValueError(
                f"`first_epoch` must be at least 0, got {first_epoch}; 0 corrects from the start."
            )
        self.threshold, self.first_epoch = threshold, first_epoch
        self.logit_margin, self.gamma = logit_margin, gamma
        self.register_buffer("epoch", torch.zeros((), dtype=torch.int64))

    def begin_epoch(self, epoch: int) -> None:
        """Keep the epoch, from 0, that decides whether labels are corrected."""
        self.epoch.fill_(epoch)

    def forward(
        self, logits: Float[Tensor, "batch classes"], labels: Labels
    ) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
        """Return the loss of a batch.

        Raises:
            ValueError: If shapes disagree, or, eagerly on the CPU, labels hold other values than
                -1, 0 and +1. Elsewhere these count as unknown, as looking would wait for the GPU.
        """
        check_labels_on_cpu(labels)
        return splc_loss(
            logits,
            labels,
            corrects=self.epoch >= self.first_epoch,
            threshold=self.threshold,
            logit_margin=self.logit_margin,
            gamma=self.gamma,
            reduction=self.reduction,
        )


def _check(*, threshold: float, logit_margin: float, gamma: float) -> None:
    if not 0 < threshold < 1:
        raise ValueError(
            f"`threshold` must be in (0, 1), got {threshold}; it is the probability from which an "
            "unknown label is taken for positive."
        )
    check_logit_margin(logit_margin)
    check_exponent(gamma, argument="gamma")
