"""Whether an autocast is on, and cosines that it leaves alone."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

__all__ = ["autocast_dtype", "full_precision"]


def autocast_dtype(device: torch.device) -> torch.dtype | None:
    """Return the dtype of the autocast that is on for a device; None where none is."""
    kind = device.type
    if kind == "meta":
        return None
    # Whatever else compiles has an autocast, and torch 2.8 cannot trace whether it has.
    known = torch.compiler.is_compiling() or torch.amp.is_autocast_available(kind)
    if not (known and torch.is_autocast_enabled(kind)):
        return None
    return torch.get_autocast_dtype(kind)


def full_precision(device: torch.device) -> AbstractContextManager[Any]:
    """Compute matrix products in the dtype of their inputs, also where an autocast is on.

    A cosine in bfloat16 is off by up to 0.004; divided by a temperature of 0.01 or scaled to an
    energy that is tenths of a logit. In float16 the gradient of an almost empty region overflows.

    Args:
        device: Where to compute.
    """
    if autocast_dtype(device) is None:
        return nullcontext()
    return torch.autocast(device.type, enabled=False)
