"""Losses that label images anew before an epoch, from how the epoch before has scored them."""

import math
from abc import ABC, abstractmethod
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.distributed import gather_rows
from trmml.functional import LabelReduction
from trmml.functional.checks import check_labels_on_cpu
from trmml.labels import Labels, known_mask
from trmml.losses.label_loss import LabelLoss, of_rows

__all__ = ["RelabellingLoss", "check_epochs"]


class RelabellingLoss(LabelLoss, ABC):
    """Keep the latest score of every unknown label, and targets that follow from the scores.

    An epoch's targets are made once, when it begins. If it is resumed they are as they were,
    although some images have been scored again since.

    Args:
        reduction: As in `trmml.functional.reduce_over_labels`.

    Attributes:
        scores: The latest logit of each unknown label of each training image; nan if there is none.
        targets: What each of these labels is taken for; nan if it is left unknown.
        epoch: That the targets are of.
    """

    uses_unknown = True
    needs_all_classes = True
    needs_rows = True
    scores: Float[Tensor, "images classes"]
    targets: Float[Tensor, "images classes"]
    epoch: Int[Tensor, ""]

    def __init__(self, *, reduction: LabelReduction = "batch_mean") -> None:
        """Begin with epoch 0 and no image."""
        super().__init__(reduction=reduction)
        self.register_buffer("epoch", torch.zeros((), dtype=torch.int64))
        for name in ("scores", "targets"):
            self.register_buffer(name, torch.zeros(0, 0))

    def begin_training(self, labels: Labels) -> None:
        """Make room for all training images, none of them scored."""
        self.epoch.zero_()
        for name in ("scores", "targets"):
            setattr(self, name, getattr(self, name).new_full(tuple(labels.shape), math.nan))

    def begin_epoch(self, epoch: int) -> None:
        """Make the targets of an epoch, from 0, unless it has begun before."""
        if epoch > int(self.epoch):
            self.targets = self.relabel(epoch)
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
            rows: Which of all training images these are.

        Raises:
            ValueError: If shapes disagree, `rows` are missing or of no training image, or, eagerly
                on the CPU, labels hold other values than -1, 0 and +1. Elsewhere these count as
                unknown, as looking would wait for the GPU.
        """
        check_labels_on_cpu(labels)
        return self.taught(logits, labels, of_rows(self.targets, rows, loss=self))

    @abstractmethod
    def taught(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Labels,
        targets: Float[Tensor, "batch classes"],
    ) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
        """Return the loss of a batch with its targets."""

    @abstractmethod
    def relabel(self, epoch: int) -> Float[Tensor, "images classes"]:
        """Return the targets of an epoch, from the scores and the targets so far."""

    @torch.no_grad()
    def end_step(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Labels,
        rows: Int[Tensor, " batch"],
    ) -> None:
        """Keep the scores of unknown labels, in all processes."""
        scores = torch.where(known_mask(labels), math.nan, logits.to(self.scores.dtype))
        self.scores[gather_rows(rows)] = gather_rows(scores)


def check_epochs(**epochs: Any) -> None:  # noqa: ANN401 - whatever a configuration holds
    """Refuse epochs below 0, and a later one before an earlier.

    Args:
        epochs: By the name of their argument, in the order that they have to be in.
    """
    before, least = "", 0
    for name, value in epochs.items():
        if type(value) is not int or value < least:
            raise ValueError(
                f"`{name}` must be a whole number and at least {before or 0}, got {value}; epochs "
                "count from 0."
            )
        before, least = f"`{name}` ({value})", value
