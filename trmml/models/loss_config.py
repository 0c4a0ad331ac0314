"""Which loss a method learns the labels by."""

from dataclasses import dataclass, field
from inspect import signature

from torch import nn

from trmml.choices import choice_error
from trmml.functional.checks import check_numbers
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
        >>> LossConfig("asymmetric", {"gamma_neg": 4.0}).build().gamma_neg
        4.0
    """

    name: str = "asymmetric"
    settings: dict[str, bool | int | float | str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Build the loss once, so that a mistake shows where it was made."""
        if self.name not in LOSSES:
            raise choice_error(self.name, [*LOSSES], argument="loss")
        known = [n for n in signature(LOSSES[self.name]).parameters if n not in BY_THE_MODEL]
        if self.settings and not known:
            raise ValueError(
                f"`loss.settings` of {self.name!r} must be empty, for it has none, got "
                f"{', '.join(map(repr, self.settings))}."
            )
        for name in self.settings:
            if name not in known:
                raise choice_error(name, known, argument=f"loss.settings of {self.name}")
        check_numbers(self)
        try:
            self.build()
        except TypeError as error:
            raise ValueError(
                f"`loss.settings` of {self.name!r} must be of the types that it takes, got "
                f"{self.settings}: {error}."
            ) from None

    def build(self) -> nn.Module:
        """Return the loss."""
        return LOSSES[self.name](**self.settings)
