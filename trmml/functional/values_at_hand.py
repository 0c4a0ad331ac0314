"""Where the host may look at values, and where it would have to wait for them."""

import torch
from torch import Tensor

__all__ = ["values_are_at_hand"]


def values_are_at_hand(tensor: Tensor) -> bool:
    """Return whether a look at values is free, as it is eagerly on the CPU alone.

    There one works on the entries that count. Elsewhere a look, and every size that values decide,
    waits until the device has done all that it was given; and a graph takes no such size. There one
    works on a fixed number of entries, and masks those that are not there.

    Args:
        tensor: Whose values decide.
    """
    # Subclasses stand for values that are elsewhere, or nowhere.
    return type(tensor) is Tensor and tensor.is_cpu and not torch.compiler.is_compiling()
