"""Rules on scalar arguments, shared by the functions and the modules around them."""

import math
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

__all__ = [
    "check_choice",
    "check_exponent",
    "check_margin",
    "check_momentum",
    "check_temperature",
    "check_top_k",
]


def check_choice(value: str, *, argument: str, choices: Sequence[str]) -> None:
    """Refuse a name that is not among the choices."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{argument}` must be one of {listed}, got {value!r}; pick one of these.")


def check_exponent(value: float, *, argument: str) -> None:
    """Refuse a focusing exponent that is negative or not finite."""
    if not 0 <= value < math.inf:
        raise ValueError(
            f"`{argument}` must be finite and at least 0, got {value}; 0 turns the focusing off."
        )


def check_margin(value: float, *, argument: str = "margin") -> None:
    """Refuse a probability margin outside [0, 1)."""
    if not 0 <= value < 1:
        raise ValueError(
            f"`{argument}` must be in [0, 1), got {value}; it is subtracted from a probability, "
            "0 turns it off."
        )


def check_momentum(value: float, *, argument: str = "momentum") -> None:
    """Refuse a share of the past outside [0, 1]."""
    if not 0 <= value <= 1:
        raise ValueError(
            f"`{argument}` must be in [0, 1], got {value}; it is the share of the past kept."
        )


def check_temperature(value: float | Float[Tensor, ""], *, argument: str = "temperature") -> None:
    """Refuse a number that cannot divide scores; a tensor is trusted, as reading it would sync."""
    if not isinstance(value, Tensor) and not 0 < value < math.inf:
        raise ValueError(
            f"`{argument}` must be finite and above 0, got {value}; scores are divided by it."
        )


def check_top_k(value: int, *, positions: int, argument: str = "top_k") -> None:
    """Refuse to take more positions than there are, or none."""
    if not 1 <= value <= positions:
        raise ValueError(
            f"`{argument}` must be between 1 and the number of positions ({positions}), got "
            f"{value}; lower it, or use larger images."
        )
