"""Choose the known labels that are withheld from training, to tell how often evidence is right."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

__all__ = ["cell_numbers", "withheld_cells"]

_ODD = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)  # of splitmix64


def withheld_cells(
    rows: Int[Tensor, " rows"], num_classes: int, *, share: float, seed: int
) -> Bool[Tensor, "rows classes"]:
    """Return which cells are withheld: a random share that depends on seed, row and class alone.

    So every process, every batch and every resumption withholds the same ones, and no state has
    to be kept.

    Source: the numbers are those of splitmix64, [Steele et al., OOPSLA
    2014](https://doi.org/10.1145/2660193.2660195).

    Args:
        rows: Which of all training images these are.
        num_classes: Number of categories.
        share: In [0, 1].
        seed: Of the choice.

    Examples:
        >>> cells = withheld_cells(torch.arange(1000), 20, share=0.25, seed=0)
        >>> round(cells.double().mean().item(), 2)
        0.25
        >>> some = withheld_cells(torch.arange(700, 703), 20, share=0.25, seed=0)
        >>> bool((cells[700:703] == some).all())
        True
    """
    return cell_numbers(rows, num_classes, seed=seed) < share


def cell_numbers(
    rows: Int[Tensor, " rows"], num_classes: int, *, seed: int
) -> Float[Tensor, "rows classes"]:
    """Return a random number in [0, 1) for each cell, by seed, row and class alone.

    Args:
        rows: Which of all training images these are.
        num_classes: Number of categories.
        seed: Of the numbers.

    Examples:
        >>> numbers = cell_numbers(torch.arange(1000), 20, seed=0)
        >>> round(numbers.mean().item(), 1), bool((numbers < 1).all())
        (0.5, True)
    """
    columns = torch.arange(num_classes, device=rows.device)
    cells = rows[:, None] * num_classes + columns
    start = _ODD[0] * (seed + 1) % 2**64
    # The upper 24 bits, as a number in [0, 1) that every device has.
    return _shifted(_mix(cells + _signed(start)), 40).float() * 2.0**-24


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
