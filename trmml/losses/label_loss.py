"""What every loss of labels says of itself, so that methods and the engine need not know which."""

from collections.abc import Iterable
from inspect import signature
from typing import ClassVar, Literal

from torch import nn

from trmml.choices import check_choice
from trmml.functional import LabelReduction

__all__ = ["LabelLoss", "refuse_sampled_classes"]

Counted = Literal["known labels", "all labels", "labels with a term", "pairs"]


class LabelLoss(nn.Module):
    """A loss called `(logits [batch classes], labels in {-1, 0, +1})`, with its settings.

    Args:
        reduction: As in `trmml.functional.reduce_over_labels`.

    Attributes:
        uses_unknown: Whether logits of unknown labels have a value and a gradient. If so, nan
            there makes the loss nan; if not, they may hold anything.
        needs_all_classes: Whether it means another thing for some of the classes than for all.
        mean_over: What `reduction="mean"` divides the sum by the number of.

    Raises:
        ValueError: If `reduction` is another name.
    """

    uses_unknown: bool = False
    needs_all_classes: bool = False
    mean_over: ClassVar[Counted] = "known labels"

    def __init__(self, *, reduction: LabelReduction = "batch_mean") -> None:
        """Check and keep the reduction."""
        super().__init__()
        check_choice(reduction, LabelReduction, argument="reduction")
        self.reduction: LabelReduction = reduction

    def begin_epoch(self, epoch: int) -> None:
        """Be told the epoch, from 0, before its first batch; most losses do not care."""

    def extra_repr(self) -> str:
        """Show the settings, as they build the loss again."""
        names = signature(type(self)).parameters
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names)


def refuse_sampled_classes(parts: Iterable[nn.Module]) -> None:
    """Refuse losses that have to see all classes, where a step draws some.

    Raises:
        ValueError: If there is one.
    """
    for part in parts:
        if isinstance(part, LabelLoss) and part.needs_all_classes:
            raise ValueError(
                "`class_sample` must be None with a loss that has to see all classes, got "
                f"{part!r}; take all classes, or another loss."
            )
