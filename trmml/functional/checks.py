"""Rules on arguments, shared by the functions and the modules around them."""

import math
from dataclasses import fields
from typing import Final

from jaxtyping import Float
from torch import Tensor

from trmml.functional.values_at_hand import values_are_at_hand
from trmml.labels import Labels, check_labels

__all__ = [
    "check_at_least",
    "check_axes",
    "check_exponent",
    "check_labels_on_cpu",
    "check_logit_margin",
    "check_margin",
    "check_momentum",
    "check_numbers",
    "check_temperature",
    "check_top_k",
]

LARGEST_COUNT: Final = 1_000_000
LARGEST_SEED: Final = 2**32 - 1  # what every generator takes


def check_at_least(settings: object, least: int, *names: str) -> None:
    """Refuse settings that are not at least a bound; None is no setting.

    Args:
        settings: What has them as attributes.
        least: The bound.
        names: Of the attributes.

    Raises:
        ValueError: At the first that is below.

    Examples:
        >>> from types import SimpleNamespace
        >>> check_at_least(SimpleNamespace(epochs=3, steps=None), 1, "epochs", "steps")
        >>> check_at_least(SimpleNamespace(epochs=0), 1, "epochs")
        Traceback (most recent call last):
            ...
        ValueError: `epochs` must be at least 1, got 0.
    """
    for name in names:
        value = getattr(settings, name)
        if value is not None and not value >= least:
            raise ValueError(f"`{name}` must be at least {least}, got {value}.")


def check_axes(**arguments: tuple[Tensor, str]) -> None:
    """Refuse tensors whose axes of one name differ in size, so that none is stretched silently.

    Broadcasting would make a number of labels `[batch 1]` or of a single text too, and a wrong one.
    Only sizes are read: free on any device, in a graph and in an export with a batch of any size.

    Args:
        arguments: Each tensor with its axes as in its annotation, in the order of the signature.

    Raises:
        ValueError: If a tensor has other axes, or another size along one, than an earlier tensor.

    Examples:
        >>> import torch
        >>> logits, labels = torch.zeros(2, 3), torch.ones(2, 1)
        >>> check_axes(logits=(logits, "batch classes"), labels=(labels, "batch classes"))
        Traceback (most recent call last):
            ...
        ValueError: `labels` must be as long along `classes` as `logits`, got shapes (2, 1) and \
(2, 3); nothing is stretched silently, use `.expand` if one is meant for all.
    """
    first: dict[str, tuple[str, Tensor, object]] = {}
    for argument, (tensor, annotation) in arguments.items():
        axes, sizes = annotation.split(), list(tensor.shape)
        if axes and axes[0].startswith("*"):  # any number of axes, compared as one
            leading = len(sizes) - len(axes) + 1
            sizes = [tuple(sizes[:leading]), *sizes[leading:]] if leading >= 0 else sizes
        if len(sizes) != len(axes):
            raise ValueError(
                f"`{argument}` must have the axes ({', '.join(axes)}), got shape "
                f"{tuple(tensor.shape)}; the order of arguments is {', '.join(arguments)}."
            )
        for axis, size in zip(axes, sizes, strict=True):
            name, other, expected = first.setdefault(axis, (argument, tensor, size))
            if size != expected:
                raise ValueError(
                    f"`{argument}` must be as long along `{axis}` as `{name}`, got shapes "
                    f"{tuple(tensor.shape)} and {tuple(other.shape)}; nothing is stretched "
                    "silently, use `.expand` if one is meant for all."
                )


def check_exponent(value: float, *, argument: str) -> None:
    """Refuse a focusing exponent that is negative or not finite."""
    if not 0 <= value < math.inf:
        raise ValueError(
            f"`{argument}` must be finite and at least 0, got {value}; 0 turns the focusing off."
        )


def check_labels_on_cpu(labels: Labels) -> None:
    """Refuse labels other than -1, 0 and +1 where a look at them is free: eagerly on the CPU.

    On another device a look would wait for all work in flight. There, and in a graph, any other
    value counts as unknown; `trmml.labels.check_labels` refuses it anywhere.
    """
    if values_are_at_hand(labels):
        check_labels(labels)


def check_logit_margin(value: float, *, argument: str = "logit_margin") -> None:
    """Refuse a margin of logits that is not finite."""
    if not math.isfinite(value):
        raise ValueError(
            f"`{argument}` must be finite, got {value}; it is subtracted from the logits "
            "of positives, 0 turns it off."
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


def check_numbers(settings: object, **largest: int) -> None:
    """Refuse numbers that no computation ends well with: infinity, nan, and absurdly large counts.

    Args:
        settings: A dataclass; its numbers and those in its lists and mappings are looked at.
        largest: Of a field's whole number, where it is not `LARGEST_COUNT`; for names that end in
            "seed" it is `LARGEST_SEED`.

    Raises:
        ValueError: At the first such number, with its name.

    Examples:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Schedule:
        ...     epochs: int
        ...     rates: tuple[float, ...]
        >>> check_numbers(Schedule(40, (0.1, 0.01)))
        >>> check_numbers(Schedule(40, (0.1, math.inf)))
        Traceback (most recent call last):
            ...
        ValueError: `rates` must be finite, got inf.
        >>> check_numbers(Schedule(10**20, ()))
        Traceback (most recent call last):
            ...
        ValueError: `epochs` must be at most 1000000, got 100000000000000000000.
    """
    for field in fields(settings):  # pyright: ignore[reportArgumentType] - any dataclass
        seed = field.name.endswith("seed")
        most = largest.get(field.name, LARGEST_SEED if seed else LARGEST_COUNT)
        _check_number(getattr(settings, field.name), field.name, most)


def _check_number(value: object, argument: str, most: int) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_number(inner, f"{argument}.{name}", most)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_number(inner, argument, most)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"`{argument}` must be finite, got {value}.")
    elif isinstance(value, int) and value > most:
        shown = value if value < 10**30 else f"a number of {value.bit_length()} bits"
        raise ValueError(f"`{argument}` must be at most {most}, got {shown}.")


def check_temperature(value: float | Float[Tensor, ""], *, argument: str = "temperature") -> None:
    """Refuse what cannot divide scores; reading a tensor would sync, so its value is trusted."""
    if isinstance(value, Tensor):
        check_axes(**{argument: (value, "")})
    elif not 0 < value < math.inf:
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
