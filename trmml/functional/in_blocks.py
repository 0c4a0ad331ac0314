"""Work on many rows with the memory of a few."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

__all__ = ["in_blocks"]


def in_blocks(
    function: Callable[..., Tensor], *rows: Tensor, size: int, again: bool = True
) -> Tensor:
    """Apply a row-wise function to blocks of rows, and compute each again in the backward pass.

    Nothing a block needed in between is kept, so memory does not grow with the number of blocks,
    at the price of a second forward pass. Up to `size` rows the function is simply called.

    Args:
        function: Turns `size` rows of each tensor into `size` rows, each by itself.
        rows: Tensors with the same number of rows, at least one tensor.
        size: Most rows in a block, >= 1.
        again: Whether each is computed again; else all is kept for the backward pass.

    Examples:
        >>> in_blocks(torch.square, torch.arange(5.0), size=2)
        tensor([ 0.,  1.,  4.,  9., 16.])
    """
    if len(rows[0]) <= size:
        return function(*rows)
    blocks = zip(*(tensor.split(size) for tensor in rows), strict=True)
    if not again:
        return torch.cat([function(*block) for block in blocks])
    # Nothing here draws random numbers, so their state need not be kept for the second pass.
    anew = partial(checkpoint, function, use_reentrant=False, preserve_rng_state=False)
    return torch.cat([anew(*block) for block in blocks])
