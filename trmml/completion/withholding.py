"""Choose the known labels that are withheld from training, to tell how often evidence is right."""

from jaxtyping import Bool, Int
from torch import Tensor

from trmml.functional.cell_numbers import cell_numbers

__all__ = ["withheld_cells"]


def withheld_cells(
    rows: Int[Tensor, " rows"], num_classes: int, *, share: float, seed: int | Int[Tensor, ""]
) -> Bool[Tensor, "rows classes"]:
    """Return which cells are withheld: a random share that depends on seed, row and class alone.

    So every process, every batch and every resumption withholds the same ones, and no state has
    to be kept.

    Args:
        rows: Which of all training images these are.
        num_classes: Number of categories.
        share: In [0, 1].
        seed: Of the choice.

    Examples:
        >>> import torch
        >>> cells = withheld_cells(torch.arange(1000), 20, share=0.25, seed=0)
        >>> round(cells.double().mean().item(), 2)
        0.25
        >>> some = withheld_cells(torch.arange(700, 703), 20, share=0.25, seed=0)
        >>> bool((cells[700:703] == some).all())
        True
    """
    return cell_numbers(rows, num_classes, seed=seed) < share
