"""Rules on arguments, shared by the functions and the modules around them."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.labels import Labels, check_labels

__all__ = [
    "check_axes",
    "check_exponent",
    "check_labels_on_cpu",
    "check_margin",
    "check_momentum",
    "check_temperature",
    "check_top_k",
]


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
    # Subclasses stand for values that are elsewhere, or nowhere.
    if type(labels) is Tensor and labels.is_cpu and not torch.compiler.is_compiling():
        check_labels(labels)


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
