"""What every loss of labels says of itself, so that methods and the engine need not know which."""

from collections.abc import Iterator
from inspect import signature
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from trmml.choices import check_choice
from trmml.functional import LabelReduction
from trmml.labels import Labels
from trmml.typed_module import TypedModule

__all__ = ["LabelLoss", "label_losses", "missing_rows", "of_rows", "refuse_sampled_classes"]

Counted = Literal["known labels", "all labels", "labels with a term", "pairs"]


class LabelLoss(TypedModule):
    """A loss called `(logits [batch classes], labels in {-1, 0, +1})`, with its settings.

    One that `needs_rows` remembers images, and is called with `rows=` too, which of all training
    images these are. Calling it changes nothing: it learns in `end_step`, once a step is taken.

    Args:
        reduction: As in `trmml.functional.reduce_over_labels`.

    Attributes:
        uses_unknown: Whether logits of unknown labels have a value and a gradient. If so, nan
            there makes the loss nan; if not, they may hold anything.
        needs_all_classes: Whether it means another thing for some of the classes than for all.
        needs_rows: Whether it has to know which of all training images it is given.
        lr_ratio: Rate of what the loss itself learns, relative to the recipe's; it is never decayed
            nor clipped.
        mean_over: What `reduction="mean"` divides the sum by the number of.

    Raises:
        ValueError: If `reduction` is another name.
    """

    uses_unknown: bool = False
    needs_all_classes: bool = False
    needs_rows: bool = False
    lr_ratio: float = 1.0
    mean_over: ClassVar[Counted] = "known labels"

    def __init__(self, *, reduction: LabelReduction = "batch_mean") -> None:
        """Check and keep the reduction."""
        super().__init__()
        check_choice(reduction, LabelReduction, argument="reduction")
        self.reduction: LabelReduction = reduction

    def begin_training(self, labels: Labels) -> None:
        """Be told the known labels of all training images, once, before anything is trained.

        A loss that remembers images makes room for them here, and forgets those of before.
        """

    def begin_epoch(self, epoch: int) -> None:
        """Be told the epoch, from 0, before its first batch; most losses do not care."""

    def of_images(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Labels,
        rows: Int[Tensor, " batch"] | None,
    ) -> Float[Tensor, ""] | Float[Tensor, "batch classes"]:
        """Call the loss, with `rows` if it needs them: for whoever does not know which loss it is.

        Raises:
            ValueError: If it needs rows and gets none.
        """
        if not self.needs_rows:
            return self(logits, labels)
        if rows is None:
            raise missing_rows(self)
        return self(logits, labels, rows=rows)

    def end_step(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Labels,
        rows: Int[Tensor, " batch"],
    ) -> None:
        """Be told, after a step that changed the weights, what of this process went into it.

        Every process calls it, also for no images.

        Args:
            logits: That were learnt from, without a gradient.
            labels: As the loss was given them.
            rows: Which of all training images these are.
        """

    def extra_repr(self) -> str:
        """Show the settings, as they build the loss again."""
        names = signature(type(self)).parameters
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names)


def label_losses(part: nn.Module) -> Iterator[LabelLoss]:
    """Yield the losses of labels among the parts of a task or a model, or the part itself."""
    return (found for found in part.modules() if isinstance(found, LabelLoss))


def missing_rows(loss: LabelLoss) -> ValueError:
    """Return the error for images that a loss cannot tell apart."""
    return ValueError(
        f"`rows` must say which of all training images these are with {type(loss).__name__}, which "
        "remembers them, got None; the engine's sources give `Batch.rows`, a loop of your own "
        "passes `Batch(..., rows=rows)`, or `rows=rows` to the loss itself."
    )


def of_rows(
    remembered: Shaped[Tensor, "images classes"],
    rows: Int[Tensor, " batch"] | None,
    *,
    loss: LabelLoss,
) -> Shaped[Tensor, "batch classes"]:
    """Return what a loss remembers of some images.

    Args:
        remembered: Of all training images.
        rows: Which of them.
        loss: To be named in an error.

    Raises:
        ValueError: If `rows` are missing, or, eagerly on the CPU, there are no such images.
    """
    if rows is None:
        raise missing_rows(loss)
    on_cpu = rows.is_cpu and not torch.compiler.is_compiling()
    if on_cpu and bool(((rows < 0) | (rows >= len(remembered))).any()):
        raise ValueError(
            f"`rows` must be of the {len(remembered)} images that {type(loss).__name__} has been "
            f"told of, got {rows.tolist()[:8]}; first call `begin_training(labels)` with the known "
            "labels of all of them."
        )
    return remembered[rows]


def refuse_sampled_classes(part: nn.Module) -> None:
    """Refuse losses that have to see all classes, where a step draws some.

    Raises:
        ValueError: If there is one.
    """
    for loss in label_losses(part):
        if loss.needs_all_classes:
            raise ValueError(
                "`class_sample` must be None with a loss that has to see all classes, got "
                f"{loss!r}; take all classes, or another loss."
            )
