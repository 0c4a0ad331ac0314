"""Random numbers that depend on where they stand alone, computed and not drawn."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["cell_numbers"]

_ODD = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)  # of splitmix64


def cell_numbers(
    rows: Int[Tensor, " rows"], num_classes: int, *, seed: int | Int[Tensor, ""]
) -> Float[Tensor, "rows classes"]:
    """Return a random number in [0, 1) for each cell, by seed, row and class alone.

    So they are the same on every device, in every process and batch, and no state has to be kept.

    Source: splitmix64, [Steele et al., OOPSLA 2014](https://doi.org/10.1145/2660193.2660195).

    Args:
        rows: Which of all rows these are.
        num_classes: Number of columns.
        seed: Of the numbers, >= 0; one on the device is not looked at.

    Examples:
        >>> numbers = cell_numbers(torch.arange(1000), 20, seed=0)
        >>> round(numbers.mean().item(), 1), bool((numbers < 1).all())
        (0.5, True)
        >>> torch.equal(cell_numbers(torch.arange(9), 2, seed=torch.tensor(7)),
        ...             cell_numbers(torch.arange(9), 2, seed=7))
        True
    """
    columns = torch.arange(num_classes, device=rows.device)
    cells = rows[:, None] * num_classes + columns
    if isinstance(seed, Tensor):  # which wraps by itself
        start = (seed + 1) * _signed(_ODD[0])
    else:
        start = _signed(_ODD[0] * (seed + 1) % 2**64)
    # The upper 24 bits, as a number in [0, 1) that every device has.
    return _shifted(_mix(cells + start), 40).float() * 2.0**-24


def _mix(value: Int[Tensor, "rows classes"]) -> Int[Tensor, "rows classes"]:
    value = (value ^ _shifted(value, 30)) * _signed(_ODD[1])
    value = (value ^ _shifted(value, 27)) * _signed(_ODD[2])
    return value ^ _shifted(value, 31)


def _shifted(value: Int[Tensor, "rows classes"], bits: int) -> Int[Tensor, "rows classes"]:
    """Shift right as if the numbers had no sign."""
    return (value >> bits) & ((1 << (64 - bits)) - 1)


def _signed(value: int) -> int:
    """Return the 64-bit number with a sign that has the same bits."""
    return value - (1 << 64) if value >= 1 << 63 else value
