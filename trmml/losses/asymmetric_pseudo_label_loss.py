"""Asymmetric pseudo-labelling: what scores lowest in its class becomes a soft negative."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from trmml.functional import LabelReduction, reduce_over_labels
from trmml.functional.checks import check_axes
from trmml.functional.unit_vectors import at_least_float32
from trmml.labels import Labels, known_mask
from trmml.losses.entropy_maximization_loss import entropy_maximization_loss
from trmml.losses.relabelling_loss import RelabellingLoss, check_epochs

__all__ = ["AsymmetricPseudoLabelLoss", "asymmetric_pseudo_label_loss", "lowest_of_each_class"]


def asymmetric_pseudo_label_loss(
    logits: Float[Tensor, "batch classes"],
    labels: Labels,
    targets: Float[Tensor, "batch classes"],
    *,
    entropy_weight: float = 0.1,
    pseudo_weight: float = 0.9,
    reduction: LabelReduction = "batch_mean",
) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
    r"""Penalise wrong known labels, reward doubt about unknown ones, keep soft negatives.

    $$ \ell_{b,c} = \begin{cases}
       -\log p & y_{b,c} = +1 \\ -\log(1 - p) & y_{b,c} = -1 \\
       \beta\,(-q \log p - (1 - q) \log(1 - p)) & y_{b,c} = 0,\ \text{with a target}\ q \\
       -\alpha\, H(p) & y_{b,c} = 0,\ \text{without} \end{cases} $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `logits.sigmoid()` | predicted probability |
    | $y$ | `labels` | +1, -1 or 0 |
    | $q$ | `targets` | soft label of an unknown one, a probability; nan for none |
    | $\alpha$ | `entropy_weight` | what doubt is worth |
    | $\beta$ | `pseudo_weight` | what a soft label is worth |
    | $H$ | | entropy of the prediction, as in `entropy_maximization_loss` |

    Source: EM and APL of [Zhou et al.](https://arxiv.org/abs/2203.16219) (ECCV 2022).
    Differs from the paper: labels known to be negative, of which its single positives have none,
    cost cross-entropy. Its mean over all labels is the reduction "mean".

    Args:
        logits: Scores before the sigmoid.
        labels: Labels in {-1, 0, +1}; any other value counts as unknown.
        targets: Only those of unknown labels count.
        entropy_weight: >= 0, finite (public code: 0.2 for VOC, 0.1 for COCO and NUS-WIDE, 0.01 for
            CUB).
        pseudo_weight: >= 0, finite (public code: 0.02 for VOC, 0.9 for COCO, 0.2 for NUS-WIDE, 0.4
            for CUB). 0 leaves labels with a target out.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Returns:
        Loss in nats, float32 for half-precision input; per label for `reduction="none"`. It may be
        negative.

    Raises:
        ValueError: If shapes disagree, a weight is negative or not finite, or `reduction` is
            another name.

    Examples:
        >>> logits, labels = torch.tensor([[2.0, -1.0, -3.0]]), torch.tensor([[1, 0, 0]])
        >>> targets = torch.tensor([[torch.nan, torch.nan, 0.1]])
        >>> asymmetric_pseudo_label_loss(logits, labels, targets, reduction="none")
        tensor([[ 0.1269, -0.0582,  0.3137]])
    """
    check_axes(logits=(logits, "batch classes"), targets=(targets, "batch classes"))
    _check_weight(pseudo_weight)
    loss = entropy_maximization_loss(
        logits, labels, entropy_weight=entropy_weight, reduction="none"
    )
    has_target = ~known_mask(labels) & ~targets.isnan()
    scores, target = at_least_float32(logits), torch.where(has_target, targets, 0)
    soft = F.binary_cross_entropy_with_logits(scores, target.to(scores.dtype), reduction="none")
    loss = torch.where(has_target, pseudo_weight * soft, loss)
    return reduce_over_labels(loss, torch.ones_like(has_target), reduction=reduction)


def lowest_of_each_class(
    scores: Float[Tensor, "images classes"], number: Int[Tensor, " classes"]
) -> Tensor:
    """Return where the lowest scores of each class are; nan is none, of equal ones the first are.

    Args:
        scores: Of all images.
        number: How many to choose of each class; of fewer, all.

    Examples:
        >>> scores = torch.tensor([[0.3, 0.1], [0.1, torch.nan], [0.2, 0.4]])
        >>> lowest_of_each_class(scores, torch.tensor([2, 2]))
        tensor([[False,  True],
                [ True, False],
                [ True,  True]])
    """
    rank = scores.argsort(dim=0, stable=True).argsort(dim=0)  # nan comes last
    return (rank < number) & ~scores.isnan()


class AsymmetricPseudoLabelLoss(RelabellingLoss):
    r"""Reward doubt about unknown labels, until those that score lowest become soft negatives.

    $$ \ell_{b,c} = \beta\,\mathrm{CE}(p, q_{b,c})
       \ \text{for the}\ \lceil s\, U_c\, \tfrac{t - t_0 + 1}{t_1 - t_0 + 1} \rceil
       \ \text{lowest of the}\ U_c\ \text{unknown labels of a class}, \quad
       -\alpha\, H(p)\ \text{for the others} $$

    The function is `asymmetric_pseudo_label_loss` in the same file; its docstring has the symbols.
    In every epoch $t$ from $t_0$ = `first_epoch` to $t_1$ = `last_epoch` some more of the labels
    without a target get one for good: the probability that they have then. All that is asymmetric:
    nobody becomes a soft positive.

    It remembers the latest score of every image, and so has to be called with `rows`. The engine
    tells it of the images before the first step (`begin_training`), of each epoch, and of each step
    once it is taken (`end_step`); a loop of one's own has to.

    Source: EM and APL of [Zhou et al.](https://arxiv.org/abs/2203.16219) (ECCV 2022).
    Differs from the paper: labels known to be negative, of which its single positives have none,
    cost cross-entropy. Its mean over all labels is the reduction "mean". An image's scores are
    those of its step in the epoch before, which cost nothing, not of a pass over all images.

    Args:
        entropy_weight: >= 0, finite (public code: 0.2 for VOC, 0.1 for COCO and NUS-WIDE, 0.01 for
            CUB).
        pseudo_weight: >= 0, finite (public code: 0.02 for VOC, 0.9 for COCO, 0.2 for NUS-WIDE, 0.4
            for CUB). 0 leaves labels with a target out.
        share: In [0, 1], of the unknown labels that have a target in the end (public code: 0.9).
        first_epoch: From 0, that has targets, >= 1 (public code: 5 for VOC and COCO, 4 for
            NUS-WIDE, 3 for CUB).
        last_epoch: From 0, in which the last of them are given (public code: 9, its last).
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Raises:
        ValueError: If a number is outside its range, or `reduction` is another name.

    Examples:
        >>> loss = AsymmetricPseudoLabelLoss(first_epoch=1, last_epoch=1, share=0.5)
        >>> logits, labels = torch.tensor([[2.0, -1.0], [-3.0, 3.0]]), torch.zeros(2, 2)
        >>> loss.begin_training(labels)
        >>> loss.end_step(logits, labels, torch.arange(2))
        >>> loss.begin_epoch(1)
        >>> loss.targets
        tensor([[   nan, 0.2689],
                [0.0474,    nan]])
    """

    mean_over = "all labels"

    def __init__(
        self,
        *,
        entropy_weight: float = 0.1,
        pseudo_weight: float = 0.9,
        share: float = 0.9,
        first_epoch: int = 5,
        last_epoch: int = 9,
        reduction: LabelReduction = "batch_mean",
    ) -> None:
        """Check and keep the settings."""
        super().__init__(reduction=reduction)
        _check_weight(entropy_weight, argument="entropy_weight")
        _check_weight(pseudo_weight)
        if not 0 <= share <= 1:
            raise ValueError(f"`share` must be in [0, 1], got {share}; 0 gives no label a target.")
        check_epochs(first_epoch=first_epoch, last_epoch=last_epoch)
        self.entropy_weight, self.pseudo_weight = entropy_weight, pseudo_weight
        self.share, self.first_epoch, self.last_epoch = share, first_epoch, last_epoch

    def taught(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Labels,
        targets: Float[Tensor, "batch classes"],
    ) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
        """Return the loss of a batch with its targets."""
        return asymmetric_pseudo_label_loss(
            logits,
            labels,
            targets,
            entropy_weight=self.entropy_weight,
            pseudo_weight=self.pseudo_weight,
            reduction=self.reduction,
        )

    def relabel(self, epoch: int) -> Float[Tensor, "images classes"]:
        """Give some more of the labels without a target one, those of the lowest scores."""
        if epoch < self.first_epoch:
            return self.targets
        steps = self.last_epoch - self.first_epoch + 1
        part = self.share * min(epoch - self.first_epoch + 1, steps) / steps
        given = ~self.targets.isnan()
        unknown = (~self.scores.isnan()).sum(dim=0).cpu()  # not every device knows float64
        number = (unknown.double() * part).ceil().long().to(given.device) - given.sum(dim=0)
        new = lowest_of_each_class(self.scores.masked_fill(given, math.nan), number)
        return torch.where(new, self.scores.sigmoid(), self.targets)


def _check_weight(value: float, *, argument: str = "pseudo_weight") -> None:
    if not 0 <= value < math.inf:
        raise ValueError(
            f"`{argument}` must be finite and at least 0, got {value}; 0 leaves the labels out."
        )
