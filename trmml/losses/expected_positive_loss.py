"""Expected-positive regularisation: as many labels an image as there are on average."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.distributed import mean_over_processes
from trmml.functional import LabelReduction, reduce_over_labels
from trmml.functional.checks import check_labels_on_cpu
from trmml.functional.unit_vectors import at_least_float32
from trmml.labels import Labels
from trmml.losses.known_bce_loss import known_bce_loss
from trmml.losses.label_loss import LabelLoss

__all__ = ["ExpectedPositiveLoss", "check_expected_positives", "expected_positive_loss"]


def expected_positive_loss(
    logits: Float[Tensor, "batch classes"],
    labels: Labels,
    expected_positives: float,
    *,
    regularizer_weight: float = 1.0,
    gather_distributed: bool = False,
    reduction: LabelReduction = "batch_mean",
) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
    r"""Penalise wrong known labels, and batches that expect too many or too few positives.

    $$ \ell_{b,c} = \begin{cases}
       -\log p_{b,c} & y_{b,c} = +1 \\ -\log(1 - p_{b,c}) & y_{b,c} = -1 \\
       0 & y_{b,c} = 0 \end{cases} \; + \; \lambda \left(\frac{\hat k - k}{C}\right)^2, \qquad
       \hat k = \frac1B \sum_{b,c} p_{b,c} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `logits.sigmoid()` | predicted probability |
    | $y$ | `labels` | +1, -1 or 0 |
    | $k$ | `expected_positives` | positives that an image has on average |
    | $\hat k$ | `expected` | positives that the batch's images are thought to have |
    | $\lambda$ | `regularizer_weight` | weight of the second term |
    | $B, C$ | `logits.shape` | images and classes |

    Source: EPR of [Cole et al.](https://arxiv.org/abs/2106.09708) (CVPR 2021).
    Differs from the paper: labels known to be negative, of which its single positives have none,
    cost cross-entropy. Its value is the reduction "mean"; the others are that times what they do
    not divide by, so that the terms keep their proportion: with "batch_mean", C times as much.

    Args:
        logits: Scores before the sigmoid, of all classes.
        labels: Labels in {-1, 0, +1}; any other value counts as unknown.
        expected_positives: Above 0, at most the number of classes (public code: VOC 1.5, COCO 2.9,
            NUS-WIDE 1.9, CUB 31.4).
        regularizer_weight: >= 0, finite (paper: 1). 0 leaves unknown labels out.
        gather_distributed: Whether the batch is that of all processes of `torch.distributed`.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named. The second term is the same for each label.

    Returns:
        Loss, float32 for half-precision input; per label for `reduction="none"`.

    Raises:
        ValueError: If shapes disagree, a number is outside its range, or `reduction` is another
            name.

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> labels = torch.tensor([[1, -1, 0], [0, -1, 1]])
        >>> expected_positive_loss(logits, labels, 1.5)
        tensor(2.8177)
    """
    check_expected_positives(expected_positives, regularizer_weight)
    loss = known_bce_loss(logits, labels, reduction="none")
    batch, classes = logits.shape
    if expected_positives > classes:
        raise ValueError(
            f"`expected_positives` must be at most the number of classes ({classes}), got "
            f"{expected_positives}; it is how many positives an image has on average."
        )
    expected = at_least_float32(logits).sigmoid().sum() / max(batch, 1)
    if gather_distributed:
        expected = mean_over_processes(expected, rows=batch)
    regularizer = ((expected - expected_positives) / classes).square()
    everything = torch.ones_like(loss, dtype=torch.bool)
    return reduce_over_labels(
        loss + regularizer_weight * regularizer, everything, reduction=reduction
    )


class ExpectedPositiveLoss(LabelLoss):
    r"""Penalise wrong known labels, and batches that expect too many or too few positives.

    $$ \ell_{b,c} = [y_{b,c} \ne 0]\,\mathrm{BCE}(p_{b,c}, y_{b,c})
       + \lambda \left(\frac{\hat k - k}{C}\right)^2, \qquad \hat k = \frac1B \sum_{b,c} p_{b,c} $$

    The function is `expected_positive_loss` in the same file; its docstring has the symbols.

    $\hat k$ couples the images of a batch. In training mode it is that of all processes of
    `torch.distributed`, each of which has to call the loss. $k$ is of all classes, so the engine
    refuses to draw some of them with this loss.

    Source: EPR of [Cole et al.](https://arxiv.org/abs/2106.09708) (CVPR 2021).
    Differs from the paper: labels known to be negative, of which its single positives have none,
    cost cross-entropy. Its value is the reduction "mean"; the others are that times what they do
    not divide by, so that the terms keep their proportion.

    Args:
        expected_positives: Above 0, at most the number of classes (public code: VOC 1.5, COCO 2.9,
            NUS-WIDE 1.9, CUB 31.4). It has to be known of the data.
        regularizer_weight: >= 0, finite (paper: 1). 0 leaves unknown labels out.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named. The second term is the same for each label.

    Raises:
        ValueError: If a number is outside its range, or `reduction` is another name.

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> loss = ExpectedPositiveLoss(1.5, reduction="mean")
        >>> loss(logits, torch.tensor([[1, -1, 0], [0, -1, 1]]))
        tensor(0.9392)
    """

    uses_unknown = True
    needs_all_classes = True
    mean_over = "all labels"

    def __init__(
        self,
        expected_positives: float,
        *,
        regularizer_weight: float = 1.0,
        reduction: LabelReduction = "batch_mean",
    ) -> None:
        """Check and keep the settings."""
        super().__init__(reduction=reduction)
        check_expected_positives(expected_positives, regularizer_weight)
        self.expected_positives = expected_positives
        self.regularizer_weight = regularizer_weight

    def forward(
        self, logits: Float[Tensor, "batch classes"], labels: Labels
    ) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
        """Return the loss of a batch.

        Raises:
            ValueError: If shapes disagree, there are fewer classes than expected positives, or,
                eagerly on the CPU, labels hold other values than -1, 0 and +1. Elsewhere these
                count as unknown, as looking would wait for the GPU.
        """
        check_labels_on_cpu(labels)
        return expected_positive_loss(
            logits,
            labels,
            self.expected_positives,
            regularizer_weight=self.regularizer_weight,
            gather_distributed=self.training,
            reduction=self.reduction,
        )


def check_expected_positives(expected_positives: float, regularizer_weight: float) -> None:
    """Refuse numbers for which the regularisation has no meaning."""
    if not 0 < expected_positives < math.inf:
        raise ValueError(
            f"`expected_positives` must be finite and above 0, got {expected_positives}; it is how "
            "many positives an image has on average."
        )
    if not 0 <= regularizer_weight < math.inf:
        raise ValueError(
            f"`regularizer_weight` must be finite and at least 0, got {regularizer_weight}; 0 "
            "leaves unknown labels out."
        )
