"""Regularised online label estimation: the labels of all images are learnt beside the model."""

import math
from typing import Final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from trmml.functional import LabelReduction, reduce_over_labels
from trmml.functional.checks import check_axes, check_labels_on_cpu
from trmml.functional.unit_vectors import at_least_float32
from trmml.labels import NEGATIVE, POSITIVE, Labels
from trmml.losses.expected_positive_loss import check_expected_positives, expected_positive_loss
from trmml.losses.label_loss import LabelLoss, of_rows

__all__ = ["ROLELoss", "role_loss"]

DOUBTFUL: Final = math.log(0.6 / 0.4)
SURE: Final = math.log(0.995 / 0.005)


def role_loss(
    logits: Float[Tensor, "batch classes"],
    estimates: Float[Tensor, "batch classes"],
    labels: Labels,
    expected_positives: float,
    *,
    regularizer_weight: float = 1.0,
    gather_distributed: bool = False,
    reduction: LabelReduction = "batch_mean",
) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
    r"""Let scores and estimates of the labels teach each other, both held to the known labels.

    $$ \ell = \frac12 \left(\ell_{EPR}(p, y) + \mathrm{CE}(p, \bar q)\right)
       + \frac12 \left(\ell_{EPR}(q, y) + \mathrm{CE}(q, \bar p)\right), \qquad
       \mathrm{CE}(p, q) = -q \log p - (1 - q) \log(1 - p) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `logits.sigmoid()` | predicted probability |
    | $q$ | `estimates.sigmoid()` | estimate of the label |
    | $\bar p, \bar q$ | `.detach()` | the same as a target, without a gradient |
    | $y$ | `labels` | +1, -1 or 0 |
    | $\ell_{EPR}$ | `expected_positive_loss` | known labels, and how many positives are expected |

    Source: ROLE of [Cole et al.](https://arxiv.org/abs/2106.09708) (CVPR 2021).
    Differs from the paper: labels known to be negative, of which its single positives have none,
    cost cross-entropy. Its value is the reduction "mean"; the others are that times what they do
    not divide by.

    Args:
        logits: Scores before the sigmoid, of all classes.
        estimates: What the labels of these images are thought to be, before the sigmoid.
        labels: Labels in {-1, 0, +1}; any other value counts as unknown.
        expected_positives: As in `expected_positive_loss`.
        regularizer_weight: As there.
        gather_distributed: Whether the batch is that of all processes of `torch.distributed`.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Returns:
        Loss, float32 for half-precision input; per label for `reduction="none"`.

    Raises:
        ValueError: If shapes disagree, a number is outside its range, or `reduction` is another
            name.

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> labels = torch.tensor([[1, -1, 0], [0, -1, 1]])
        >>> role_loss(logits, torch.zeros(2, 3), labels, 1.5)
        tensor(4.6500)
    """
    check_axes(logits=(logits, "batch classes"), estimates=(estimates, "batch classes"))
    loss = torch.zeros_like(at_least_float32(logits))
    for learner, teacher in ((logits, estimates), (estimates, logits)):
        scores, target = at_least_float32(learner), at_least_float32(teacher).detach().sigmoid()
        held = expected_positive_loss(
            scores,
            labels,
            expected_positives,
            regularizer_weight=regularizer_weight,
            gather_distributed=gather_distributed,
            reduction="none",
        )
        agreed = F.binary_cross_entropy_with_logits(
            scores, target.to(scores.dtype), reduction="none"
        )
        loss = loss + (held + agreed) / 2
    return reduce_over_labels(loss, torch.ones_like(loss, dtype=torch.bool), reduction=reduction)


class ROLELoss(LabelLoss):
    r"""Learn the labels of all images beside the model, each teaching the other.

    $$ \ell = \frac12 \left(\ell_{EPR}(p, y) + \mathrm{CE}(p, \bar q)\right)
       + \frac12 \left(\ell_{EPR}(q, y) + \mathrm{CE}(q, \bar p)\right), \qquad
       q = \sigma(\theta) $$

    The function is `role_loss` in the same file; its docstring has the symbols. $\theta$ is
    `estimates`, a parameter with a number for each class of each training image. It starts at
    random, between probabilities of 0.4 and 0.6, with known positives at 0.995 and known negatives
    at 0.005. It learns ten times as fast as the model (`lr_ratio`), and the engine neither decays
    nor clips it. Its gradient is 0 for the images that a step has not seen, whose estimates an
    optimiser with momentum moves on all the same, as in the public code.

    The engine says how many images there are and what is known of them (`begin_training`); so
    does, before it builds its optimiser, a loop of one's own. In training mode the expected
    positives are those of the batch of all processes, each of which has to call the loss.

    Source: ROLE of [Cole et al.](https://arxiv.org/abs/2106.09708) (CVPR 2021).
    Differs from the paper: labels known to be negative, of which its single positives have none,
    cost cross-entropy. Its value is the reduction "mean"; the others are that times what they do
    not divide by. It starts the model from a linear head, which is a matter of the method here.

    Args:
        num_images: In the training set; with `num_classes`, makes room at once.
        num_classes: Number of categories.
        expected_positives: Above 0, at most the number of classes (public code: VOC 1.5, COCO 2.9,
            NUS-WIDE 1.9, CUB 31.4). It has to be known of the data.
        regularizer_weight: >= 0, finite (paper: 1). 0 leaves the number of positives open.
        seed: Of the random start.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Raises:
        ValueError: If a number is outside its range, or `reduction` is another name.

    Examples:
        >>> loss = ROLELoss(8, 3, expected_positives=1.5)
        >>> logits, labels = torch.tensor([[2.0, -1.0, 0.5]]), torch.tensor([[1, -1, 0]])
        >>> loss(logits, labels, rows=torch.tensor([7])).backward()
        >>> loss.estimates.grad.ne(0).any(dim=1).nonzero().tolist()
        [[7]]
    """

    uses_unknown = True
    needs_all_classes = True
    needs_rows = True
    lr_ratio = 10.0
    mean_over = "all labels"

    def __init__(
        self,
        num_images: int = 0,
        num_classes: int = 0,
        *,
        expected_positives: float,
        regularizer_weight: float = 1.0,
        seed: int = 0,
        reduction: LabelReduction = "batch_mean",
    ) -> None:
        """Check and keep the settings, and draw the estimates."""
        super().__init__(reduction=reduction)
        check_expected_positives(expected_positives, regularizer_weight)
        for name, value in {"num_images": num_images, "num_classes": num_classes}.items():
            if value < 0:
                raise ValueError(f"`{name}` must be at least 0, got {value}.")
        self.num_images, self.num_classes = num_images, num_classes
        self.expected_positives = expected_positives
        self.regularizer_weight = regularizer_weight
        self.seed = seed
        self.estimates = nn.Parameter(self._start(torch.zeros(num_images, num_classes)))

    def begin_training(self, labels: Labels) -> None:
        """Draw the estimates anew, and believe the known labels."""
        self.num_images, self.num_classes = labels.shape
        start = self._start(labels).to(self.estimates)
        if self.estimates.shape == start.shape:  # an optimiser may know the parameter already
            self.estimates.data.copy_(start)
        else:
            self.estimates = nn.Parameter(start)

    def forward(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Labels,
        *,
        rows: Int[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
        """Return the loss of a batch.

        Args:
            logits: Scores before the sigmoid.
            labels: Labels in {-1, 0, +1}.
            rows: Which of all training images these are.

        Raises:
            ValueError: If shapes disagree, `rows` are missing or of no training image, there are
                fewer classes than expected positives, or, eagerly on the CPU, labels hold other
                values than -1, 0 and +1. Elsewhere these count as unknown, as looking would wait
                for the GPU.
        """
        check_labels_on_cpu(labels)
        return role_loss(
            logits,
            of_rows(self.estimates, rows, loss=self),
            labels,
            self.expected_positives,
            regularizer_weight=self.regularizer_weight,
            gather_distributed=self.training,
            reduction=self.reduction,
        )

    def _start(self, labels: Labels) -> Float[Tensor, "images classes"]:
        generator = torch.Generator().manual_seed(self.seed)
        drawn = DOUBTFUL * (2 * torch.rand(tuple(labels.shape), generator=generator) - 1)
        known = labels.cpu()
        drawn = torch.where(known == POSITIVE, SURE, drawn)
        return torch.where(known == NEGATIVE, -SURE, drawn)
