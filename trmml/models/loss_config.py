"""Which loss a method learns the labels by."""

from dataclasses import dataclass, field
from difflib import get_close_matches
from inspect import signature

from torch import nn

from trmml.losses import LOSSES

__all__ = ["LossConfig"]

BY_THE_MODEL = ("reduction",)  # a model's terms are sums over the batch size, whatever the loss


@dataclass(frozen=True)
class LossConfig:
    """A loss by its name, with settings of its own.

    Attributes:
        name: A name of `trmml.losses.LOSSES`.
        settings: Arguments of the loss that are not to be its defaults.

    Raises:
        ValueError: If there is no such loss, or it refuses a setting.

    Examples:
        >>> LossConfig("asymmetric", {"gamma_neg": 4.0}).build()
        AsymmetricLoss(gamma_pos=1.0, gamma_neg=4.0, margin=0.05, reduction='batch_mean')
    """

    name: str = "asymmetric"
    settings: dict[str, bool | int | float | str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Build the loss once, so that a mistake shows where it was made."""
        if self.name not in LOSSES:
            raise ValueError(
                f"`loss` must be one of {', '.join(map(repr, LOSSES))}, got {self.name!r}"
                f"{_nearest(self.name, [*LOSSES])}."
            )
        known = [n for n in signature(LOSSES[self.name]).parameters if n not in BY_THE_MODEL]
        for name in self.settings:
            if name not in known:
                raise ValueError(
                    f"`loss.settings` of {self.name!r} must be of "
                    f"{', '.join(known) or 'none, for it has no settings'}, got {name!r}"
                    f"{_nearest(name, known)}."
                )
        try:
            self.build()
        except TypeError as error:
            raise ValueError(f"`loss.settings` of {self.name!r}: {error}.") from None

    def build(self) -> nn.Module:
        """Return the loss."""
        return LOSSES[self.name](**self.settings)


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
