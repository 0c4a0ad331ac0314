"""Which loss a method learns the labels by."""

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import cast

from trmml.choices import choice_error
from trmml.functional.checks import check_numbers
from trmml.losses import LOSSES
from trmml.losses.label_loss import LabelLoss

__all__ = ["LossConfig"]

# A model's terms are sums over the batch size, whatever the loss; the engine counts its images.
BY_THE_MODEL = ("reduction", "num_images", "num_classes")


@dataclass(frozen=True)
class LossConfig:
    """A loss by its name, with settings of its own.

    Attributes:
        name: A name of `trmml.losses.LOSSES`.
        settings: Arguments of the loss that are not to be its defaults, and those that have none.

    Raises:
        ValueError: If there is no such loss, it refuses a setting, or lacks one.

    Examples:
        >>> LossConfig("asymmetric", {"gamma_neg": 4.0}).build().gamma_neg
        4.0
    """

    name: str = "asymmetric"
    settings: dict[str, bool | int | float | str | list[float] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Build the loss once, so that a mistake shows where it was made."""
        if self.name not in LOSSES:
            raise choice_error(self.name, [*LOSSES], argument="loss")
        taken = signature(LOSSES[self.name]).parameters
        known = [name for name in taken if name not in BY_THE_MODEL]
        if self.settings and not known:
            raise ValueError(
                f"`loss.settings` of {self.name!r} must be empty, for it has none, got "
                f"{', '.join(map(repr, self.settings))}."
            )
        for name in self.settings:
            if name not in known:
                raise choice_error(name, known, argument=f"loss.settings of {self.name}")
        for name in known:
            if taken[name].default is Parameter.empty and name not in self.settings:
                raise ValueError(
                    f"`loss.settings` of {self.name!r} must have {name!r}, which has no default, "
                    f"got {self.settings}; `trmml.losses.{LOSSES[self.name].__name__}` says what "
                    "it is."
                )
        check_numbers(self)
        try:
            self.build()
        except TypeError as error:
            raise ValueError(
                f"`loss.settings` of {self.name!r} must be of the types that it takes, got "
                f"{self.settings}: {error}."
            ) from None

    def build(self) -> LabelLoss:
        """Return the loss."""
        build = cast("Callable[..., LabelLoss]", LOSSES[self.name])  # settings are checked above
        return build(**self.settings)
