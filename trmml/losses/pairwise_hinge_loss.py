"""A ranking loss: each positive of an image scores above each of its negatives by a margin."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.functional import LabelReduction, reduce_over_labels
from trmml.functional.checks import check_axes, check_labels_on_cpu
from trmml.functional.unit_vectors import at_least_float32
from trmml.labels import POSITIVE, Labels, known_mask
from trmml.losses.label_loss import LabelLoss

__all__ = ["PairwiseHingeLoss", "pairwise_hinge_loss"]


def pairwise_hinge_loss(
    logits: Float[Tensor, "batch classes"],
    labels: Labels,
    *,
    hinge: float = 1.0,
    unknown_as_negative: bool = False,
    reduction: LabelReduction = "batch_mean",
) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
    r"""Penalise an image's negatives that score as high as its positives.

    $$ L_b = \sum_{i:\, y_{b,i} = +1}\ \sum_{j:\, y_{b,j} = -1} \max(0, h - x_{b,i} + x_{b,j}) $$

    | symbol | in code | meaning |
    |---|---|---|
    | $x$ | `logits` | score |
    | $y$ | `labels` | +1, -1 or 0 |
    | $h$ | `hinge` | how far apart they shall be |

    Source: the ranking loss of [TaI-DPT](https://arxiv.org/abs/2211.12739) (Guo et al., CVPR 2023).
    Differs from the paper: its captions know every label, for what they do not name is negative;
    here unknown labels form no pairs unless `unknown_as_negative` says so.

    Takes memory for `batch * classes * classes` numbers.

    Args:
        logits: Scores; where a label forms no pairs they may hold anything.
        labels: Labels in {-1, 0, +1}; any other value counts as unknown.
        hinge: > 0, finite (paper: 1, in units of its logits, which are 4 times a cosine).
        unknown_as_negative: Whether positives are held above unknown labels too.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of
            pairs (0 when there is none), "sum" as named; "none" gives each label half of the loss
            of each of its pairs.

    Returns:
        Loss, float32 for half-precision input; per label for `reduction="none"`.

    Raises:
        ValueError: If shapes disagree, `hinge` is not above 0, or `reduction` is another name.

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> pairwise_hinge_loss(logits, torch.tensor([[1, -1, 0], [0, -1, 1]]))
        tensor(3.)
    """
    check_axes(logits=(logits, "batch classes"), labels=(labels, "batch classes"))
    _check(hinge)
    positive, known = labels == POSITIVE, known_mask(labels)
    negative = ~positive if unknown_as_negative else known & ~positive
    logits = torch.where(positive | negative, at_least_float32(logits), 0)
    pairs = positive.unsqueeze(2) & negative.unsqueeze(1)
    missing = (hinge - logits.unsqueeze(2) + logits.unsqueeze(1)).relu()
    halves = torch.where(pairs, missing, 0) / 2
    loss = halves.sum(dim=2) + halves.sum(dim=1)
    if reduction == "mean":
        return loss.sum() / pairs.sum().clamp_min(1)
    return reduce_over_labels(loss, known, reduction=reduction)


class PairwiseHingeLoss(LabelLoss):
    r"""Penalise an image's negatives that score as high as its positives.

    $$ L_b = \sum_{i:\, y_{b,i} = +1}\ \sum_{j:\, y_{b,j} = -1} \max(0, h - x_{b,i} + x_{b,j}) $$

    The function is `pairwise_hinge_loss` in the same file; its docstring has the symbols. Only the
    order within an image is learnt: no score means a probability. With sampled classes the pairs
    are those of the sampled ones.

    Source: the ranking loss of [TaI-DPT](https://arxiv.org/abs/2211.12739) (Guo et al., CVPR 2023).
    Differs from the paper: its captions know every label, for what they do not name is negative;
    here unknown labels form no pairs unless `unknown_as_negative` says so.

    Args:
        hinge: > 0, finite (paper: 1, in units of its logits, which are 4 times a cosine).
        unknown_as_negative: Whether positives are held above unknown labels too.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of
            pairs (0 when there is none), "sum" as named; "none" gives each label half of the loss
            of each of its pairs.

    Raises:
        ValueError: If `hinge` is not above 0, or `reduction` is another name.

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> labels = torch.tensor([[1, -1, 0], [0, -1, 1]])
        >>> PairwiseHingeLoss(unknown_as_negative=True)(logits, labels)
        tensor(4.5000)
    """

    mean_over = "pairs"

    def __init__(
        self,
        *,
        hinge: float = 1.0,
        unknown_as_negative: bool = False,
        reduction: LabelReduction = "batch_mean",
    ) -> None:
        """Check and keep the settings."""
        super().__init__(reduction=reduction)
        _check(hinge)
        self.hinge = hinge
        self.unknown_as_negative = self.uses_unknown = unknown_as_negative

    def forward(
        self, logits: Float[Tensor, "batch classes"], labels: Labels
    ) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
        """Return the loss of a batch; logits of labels without a pair may hold anything.

        Raises:
            ValueError: If shapes disagree, or, eagerly on the CPU, labels hold other values than
                -1, 0 and +1. Elsewhere these count as unknown, as looking would wait for the GPU.
        """
        check_labels_on_cpu(labels)
        return pairwise_hinge_loss(
            logits,
            labels,
            hinge=self.hinge,
            unknown_as_negative=self.unknown_as_negative,
            reduction=self.reduction,
        )


def _check(hinge: float) -> None:
    if not 0 < hinge < math.inf:
        raise ValueError(
            f"`hinge` must be finite and above 0, got {hinge}; it is how far a positive shall be "
            "above a negative."
        )
