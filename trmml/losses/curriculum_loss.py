"""Curriculum labelling: labels that training has become sure of are learnt as known ones."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.functional import LabelReduction, reduce_over_labels
from trmml.functional.checks import check_axes
from trmml.functional.unit_vectors import at_least_float32
from trmml.labels import NEGATIVE, POSITIVE, Labels, known_mask
from trmml.losses.partial_bce_loss import check_partial_bce, partial_bce_loss
from trmml.losses.relabelling_loss import RelabellingLoss, check_epochs

__all__ = ["CurriculumLoss", "curriculum_loss"]


def curriculum_loss(
    logits: Float[Tensor, "batch classes"],
    labels: Labels,
    targets: Float[Tensor, "batch classes"],
    *,
    alpha: float = -4.45,
    beta: float = 5.45,
    gamma: float = 1.0,
    reduction: LabelReduction = "batch_mean",
) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
    r"""Learn known labels, and added ones as if they were known, more where an image has few.

    $$ \ell_{b,c} = g(k_b)\,\mathrm{BCE}(p, \hat y_{b,c}) \ \text{if}\ \hat y_{b,c} \ne 0, \quad
       0 \ \text{otherwise}, \qquad
       \hat y = \begin{cases} y & y \ne 0 \\ \text{the target, or } 0 & y = 0 \end{cases} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `logits.sigmoid()` | predicted probability |
    | $y$ | `labels` | +1, -1 or 0 |
    | $\hat y$ | `taught` | the same with what has been added |
    | $k_b, g$ | | share of the image's labels that are taught; as in `partial_bce_loss` |

    Source: [Durand et al.](https://arxiv.org/abs/1902.09720) (CVPR 2019).
    Differs from the paper: its 1 / C is left to the reduction: "mean" is the paper's value.

    Args:
        logits: Scores before the sigmoid; nan is shown anywhere.
        labels: Labels in {-1, 0, +1}; any other value counts as unknown.
        targets: +1 or -1 for an unknown label that is taught, nan for one that is not.
        alpha: As in `partial_bce_loss`.
        beta: As there.
        gamma: As there.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Returns:
        Loss in nats, float32 for half-precision input; per label for `reduction="none"`.

    Raises:
        ValueError: If shapes disagree, a number is not finite, or `reduction` is another name.

    Examples:
        >>> logits, labels = torch.tensor([[2.0, -1.0, 0.5]]), torch.tensor([[1, 0, 0]])
        >>> targets = torch.tensor([[torch.nan, -1.0, torch.nan]])
        >>> curriculum_loss(logits, labels, targets, reduction="none")
        tensor([[0.3152, 0.7779, 0.0000]])
    """
    check_axes(logits=(logits, "batch classes"), targets=(targets, "batch classes"))
    check_axes(logits=(logits, "batch classes"), labels=(labels, "batch classes"))
    known = known_mask(labels)
    taught = torch.where(known, labels.to(targets.dtype), targets.nan_to_num(0))
    loss = partial_bce_loss(logits, taught, alpha=alpha, beta=beta, gamma=gamma, reduction="none")
    # A label that is not taught yet will be: what is no number must not wait for that.
    loss = torch.where(logits.isnan(), at_least_float32(logits), loss)
    return reduce_over_labels(loss, torch.ones_like(known), reduction=reduction)


class CurriculumLoss(RelabellingLoss):
    r"""Learn known labels first, then with them those that training has become sure of.

    $$ \hat y_{b,c} = \begin{cases} y_{b,c} & y_{b,c} \ne 0 \\
       \operatorname{sign}(s_{b,c}) & y_{b,c} = 0,\ |s_{b,c}| > \theta \\ 0 & \text{otherwise}
       \end{cases} $$

    The function is `curriculum_loss` in the same file, in which $\hat y$ is learnt. $s$ is the
    score before the sigmoid that the image last had in training. From `first_epoch` on, all that is
    unknown is labelled anew every few epochs; what was added before is not taken for granted.

    It remembers the latest score of every image, and so has to be called with `rows`. The engine
    tells it of the images before the first step (`begin_training`), of each epoch, and of each step
    once it is taken (`end_step`); a loop of one's own has to.

    Source: the score-threshold strategy of [Durand et al.](https://arxiv.org/abs/1902.09720)
    (CVPR 2019).
    Differs from the paper: it trains to the end, labels all images, and trains again; here one
    training goes on while labels are added, by scores that each image had in its last step. Its
    1 / C is left to the reduction: "mean" is its value.

    Args:
        threshold: >= 0, finite (paper: about 2), how far a score is from 0 where it is sure. 0
            labels everything.
        first_epoch: From 0, the first with added labels, >= 1 (ours: 1).
        every: Epochs from one labelling to the next, >= 1 (ours: 1).
        alpha: As in `PartialBCELoss`.
        beta: As there.
        gamma: As there.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Raises:
        ValueError: If a number is outside its range, or `reduction` is another name.

    Examples:
        >>> loss = CurriculumLoss()
        >>> logits, labels = torch.tensor([[2.5, -1.0, -3.0]]), torch.tensor([[-1, 0, 0]])
        >>> loss.begin_training(labels)
        >>> loss.end_step(logits, labels, torch.tensor([0]))
        >>> loss.begin_epoch(1)
        >>> loss.targets
        tensor([[nan, nan, -1.]])
    """

    mean_over = "all labels"

    def __init__(
        self,
        *,
        threshold: float = 2.0,
        first_epoch: int = 1,
        every: int = 1,
        alpha: float = -4.45,
        beta: float = 5.45,
        gamma: float = 1.0,
        reduction: LabelReduction = "batch_mean",
    ) -> None:
        """Check and keep the settings."""
        super().__init__(reduction=reduction)
        if not 0 <= threshold < math.inf:
            raise ValueError(
                f"`threshold` must be finite and at least 0, got {threshold}; it is a score before "
                "the sigmoid, 2 is a probability of 0.88 or 0.12."
            )
        check_epochs(first_epoch=first_epoch)
        if type(every) is not int or every < 1:
            raise ValueError(f"`every` must be a whole number of epochs, at least 1, got {every}.")
        check_partial_bce(alpha=alpha, beta=beta, gamma=gamma)
        self.threshold, self.first_epoch, self.every = threshold, first_epoch, every
        self.alpha, self.beta, self.gamma = alpha, beta, gamma

    def taught(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Labels,
        targets: Float[Tensor, "batch classes"],
    ) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
        """Return the loss of a batch with its targets."""
        return curriculum_loss(
            logits,
            labels,
            targets,
            alpha=self.alpha,
            beta=self.beta,
            gamma=self.gamma,
            reduction=self.reduction,
        )

    def relabel(self, epoch: int) -> Float[Tensor, "images classes"]:
        """Label all that is sure by now, and nothing else, if it is time to."""
        since = epoch - self.first_epoch
        if since < 0 or since % self.every:
            return self.targets
        nothing = torch.full_like(self.scores, math.nan)
        absent = torch.where(self.scores < -self.threshold, float(NEGATIVE), nothing)
        return torch.where(self.scores > self.threshold, float(POSITIVE), absent)
