"""Large losses of assumed negatives: missing positives are where the model disagrees the most."""

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from trmml.choices import check_choice
from trmml.distributed import gather_rows
from trmml.functional import LabelReduction, reduce_over_labels
from trmml.functional.checks import check_axes, check_labels_on_cpu
from trmml.functional.unit_vectors import at_least_float32
from trmml.labels import POSITIVE, Labels, known_mask
from trmml.losses.label_loss import LabelLoss, of_rows

__all__ = ["LargeLoss", "large_loss"]

Mode = Literal["reject", "correct", "correct_for_good"]


def large_loss(
    logits: Float[Tensor, "batch classes"],
    labels: Labels,
    *,
    epoch: int | Int[Tensor, ""],
    mode: Mode = "reject",
    rate: float = 0.002,
    corrected: Bool[Tensor, "batch classes"] | None = None,
    gather_distributed: bool = False,
    reduction: LabelReduction = "batch_mean",
) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
    r"""Take unknown labels for negative, but for those that disagree the most with the scores.

    $$ \ell_{b,c} = \begin{cases}
       -\log p & y_{b,c} = +1 \ \text{or corrected for good} \\
       0,\ \text{or}\ -\log p & y_{b,c} = 0,\ -\log(1 - p) \ge R_t \\
       -\log(1 - p) & \text{otherwise} \end{cases}
       \qquad k = \lceil B\, C\, t\, \Delta \rceil $$

    | symbol | in code | meaning |
    |---|---|---|
    | $p$ | `logits.sigmoid()` | predicted probability |
    | $y$ | `labels` | +1, -1 or 0 |
    | $t$ | `epoch` | from 0, in which nothing is changed; at most 1 with "correct_for_good" |
    | $\Delta$ | `rate` | share of all labels that is changed more with every epoch |
    | $R_t$ | | k-th largest loss among the unknown labels of the batch |

    Source: LL-R, LL-Ct and LL-Cp of [Kim et al.](https://arxiv.org/abs/2206.03740) (CVPR 2022).
    Differs from the paper: labels known to be negative, of which its single positives have none,
    are never changed. Its 1 / (B C) is left to the reduction: "mean" is its value. Its public code
    changes known labels too where fewer than k others have a loss, and keeps for good only what
    lies above the k-th loss; here known labels stay, and all that is corrected is kept.

    Args:
        logits: Scores before the sigmoid.
        labels: Labels in {-1, 0, +1}; any other value counts as unknown.
        epoch: >= 0.
        mode: What becomes of a large loss: "reject" makes it 0, the others that of a positive.
        rate: In [0, 1] (public code: 0.001 to 0.005). 0 changes nothing.
        corrected: Unknown labels that have become positive for good, none of which is changed.
        gather_distributed: Whether the batch is that of all processes of `torch.distributed`.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Returns:
        Loss in nats, float32 for half-precision input; per label for `reduction="none"`.

    Raises:
        ValueError: If shapes disagree, a name is another one, or `rate` is outside [0, 1].

    Examples:
        >>> logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
        >>> labels = torch.tensor([[0, -1, 0], [0, -1, 1]])
        >>> large_loss(logits, labels, epoch=1, rate=0.1, reduction="none")
        tensor([[0.0000, 0.3133, 0.9741],
                [0.6931, 3.0486, 2.1269]])
    """
    check_axes(logits=(logits, "batch classes"), labels=(labels, "batch classes"))
    _check(mode, rate)
    logits, known = at_least_float32(logits), known_mask(labels)
    positive = labels == POSITIVE
    if corrected is not None:
        check_axes(logits=(logits, "batch classes"), corrected=(corrected, "batch classes"))
        positive, known = positive | (corrected & ~known), known | corrected
    large = _largest(
        logits, ~known, epoch=epoch, mode=mode, rate=rate, gather_distributed=gather_distributed
    )
    if mode != "reject":
        positive = positive | large
    loss = -F.logsigmoid(torch.where(positive, logits, -logits))
    if mode == "reject":
        loss = torch.where(large, 0, loss)
    return reduce_over_labels(loss, torch.ones_like(known), reduction=reduction)


class LargeLoss(LabelLoss):
    r"""Take unknown labels for negative, and reject or correct those that disagree the most.

    $$ \ell_{b,c} = -\log(1 - p) \ \text{if}\ y_{b,c} \ne +1, \quad
       0 \ \text{or}\ {-\log p} \ \text{for the}\ \lceil B\, C\, t\, \Delta \rceil
       \ \text{largest of the unknown}, \quad -\log p \ \text{if}\ y_{b,c} = +1 $$

    The function is `large_loss` in the same file; its docstring has the symbols. $t$ is `epoch`, a
    buffer that `begin_epoch` sets and the state keeps. In training mode the largest are those of
    the batch of all processes, each of which has to call the loss; the engine refuses to draw some
    of the classes with it.

    "correct_for_good" remembers, in the buffer `corrected`, what it has corrected of every training
    image, and so has to be called with `rows`. The engine tells it of all images before the first
    step (`begin_training`), and of each step once it is taken (`end_step`); a loop of one's own has
    to.

    Source: LL-R, LL-Ct and LL-Cp of [Kim et al.](https://arxiv.org/abs/2206.03740) (CVPR 2022).
    Differs from the paper: labels known to be negative, of which its single positives have none,
    are never changed. Its 1 / (B C) is left to the reduction: "mean" is its value. Its public code
    changes known labels too where fewer than k others have a loss, and keeps for good only what
    lies above the k-th loss; here known labels stay, and all that is corrected is kept.

    Args:
        mode: What becomes of a large loss: "reject" (LL-R) makes it 0, "correct" (LL-Ct) that of a
            positive in this step, "correct_for_good" (LL-Cp) in all later ones as well.
        rate: In [0, 1] (public code: 0.001 to 0.005, which its command line takes times 100). The
            share of all labels that is changed more with every epoch; for good, the share of each
            batch. 0 changes nothing.
        reduction: "batch_mean" is the sum over the number of images, "mean" over the number of all
            labels, "sum" and "none" as named.

    Raises:
        ValueError: If a name is another one, or `rate` is outside [0, 1].

    Examples:
        >>> loss = LargeLoss(mode="correct", rate=0.1, reduction="none")
        >>> logits, labels = torch.tensor([[2.0, -1.0, 0.5]]), torch.tensor([[0, -1, 1]])
        >>> loss(logits, labels)
        tensor([[2.1269, 0.3133, 0.4741]])
        >>> loss.begin_epoch(1)
        >>> loss(logits, labels)
        tensor([[0.1269, 0.3133, 0.4741]])
    """

    uses_unknown = True
    needs_all_classes = True
    mean_over = "all labels"
    epoch: Int[Tensor, ""]
    corrected: Bool[Tensor, "images classes"]

    def __init__(
        self,
        *,
        mode: Mode = "reject",
        rate: float = 0.002,
        reduction: LabelReduction = "batch_mean",
    ) -> None:
        """Check and keep the settings, and begin with epoch 0 and nothing corrected."""
        super().__init__(reduction=reduction)
        _check(mode, rate)
        self.mode: Mode = mode
        self.rate = rate
        self.needs_rows = mode == "correct_for_good"
        self.register_buffer("epoch", torch.zeros((), dtype=torch.int64))
        self.register_buffer("corrected", torch.zeros(0, 0, dtype=torch.bool))

    def begin_training(self, labels: Labels) -> None:
        """Make room for the labels of all training images, none of them corrected."""
        if self.needs_rows:
            self.corrected = self.corrected.new_zeros(tuple(labels.shape))

    def begin_epoch(self, epoch: int) -> None:
        """Keep the epoch, from 0, that decides how many labels are changed."""
        self.epoch.fill_(epoch)

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
            rows: Which of all training images these are; without a meaning but for
                "correct_for_good".

        Raises:
            ValueError: If shapes disagree, `rows` are missing or not of the images that
                `begin_training` was told of, or, eagerly on the CPU, labels hold other values than
                -1, 0 and +1. Elsewhere these count as unknown, as looking would wait for the GPU.
        """
        check_labels_on_cpu(labels)
        return large_loss(
            logits,
            labels,
            epoch=self.epoch,
            mode=self.mode,
            rate=self.rate,
            corrected=of_rows(self.corrected, rows, loss=self) if self.needs_rows else None,
            gather_distributed=self.training,
            reduction=self.reduction,
        )

    @torch.no_grad()
    def end_step(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Labels,
        rows: Int[Tensor, " batch"],
    ) -> None:
        """Remember what the step has corrected, in all processes."""
        if not self.needs_rows:
            return
        logits, labels, rows = (gather_rows(one) for one in (logits, labels, rows))
        unknown = ~known_mask(labels) & ~of_rows(self.corrected, rows, loss=self)
        large = _largest(logits, unknown, epoch=self.epoch, mode=self.mode, rate=self.rate)
        images, classes = large.nonzero(as_tuple=True)
        self.corrected[rows[images], classes] = True


def _largest(
    logits: Float[Tensor, "batch classes"],
    unknown: Bool[Tensor, "batch classes"],
    *,
    epoch: int | Int[Tensor, ""],
    mode: Mode,
    rate: float,
    gather_distributed: bool = False,
) -> Bool[Tensor, "batch classes"]:
    """Return the unknown labels whose loss as negatives is among the k largest of the batch.

    That loss grows with the logit. Nan is not among them, so that the loss shows it.
    """
    scores = torch.where(unknown, at_least_float32(logits.detach()), -torch.inf)
    everyone = (gather_rows(scores) if gather_distributed else scores).flatten()
    if not everyone.numel():
        return unknown
    epochs = torch.as_tensor(epoch, device=logits.device)
    if mode == "correct_for_good":
        epochs = epochs.clamp(max=1)
    wide = torch.float32 if logits.device.type == "mps" else torch.float64
    number = ((everyone.numel() * epochs).to(wide) * rate).ceil().long()
    last = (number - 1).clamp(0, everyone.numel() - 1)
    border = everyone.sort(descending=True).values.take(last)
    return unknown & (scores >= border) & (number > 0)


def _check(mode: str, rate: float) -> None:
    check_choice(mode, Mode, argument="mode")
    if not 0 <= rate <= 1:
        raise ValueError(
            f"`rate` must be in [0, 1], got {rate}; it is a share, 0.002 where the command line of "
            "the public code says 0.2."
        )
