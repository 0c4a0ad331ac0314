"""Where a computation makes the host wait for the stand-in device, counted without a GPU.

A GPU works through a queue that the host fills ahead of it. Whatever the host has to know before it
goes on empties that queue: a value, a size that values decide, a copy that is not left to itself.
"""
# ruff: noqa: ANN401 - what torch dispatches has no types

import traceback
from collections import Counter
from typing import Any, Self
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tests.other_device import Elsewhere
from trmml.markdown_table import markdown_table

__all__ = ["Waits"]

# Sizes or branches that values decide. `one_hot`, made of others here, reads its values on a GPU.
READING = {
    "_local_scalar_dense",
    "_unique",
    "_unique2",
    "bincount",
    "equal",
    "is_nonzero",
    "item",
    "masked_select",
    "nonzero",
    "one_hot",
    "unique_consecutive",
    "unique_dim",
}
COPYING = {"_to_copy", "copy_"}
INDEXING = {"index", "index_put", "index_put_"}


class Waits(TorchDispatchMode):
    """Count what makes the host wait while the block runs: by operator, and where it is asked for.

    Attributes:
        found: How often, by operator and line.
        operations: How many operations were started on the device.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[tuple[str, str]] = Counter()
        self.operations = 0

    def __enter__(self) -> Self:
        counting = self

        def tolist(tensor: Elsewhere) -> Any:  # never dispatched
            counting._note("tolist")
            return tensor.held.tolist()

        self._patch = patch.object(Elsewhere, "tolist", tolist)
        self._patch.start()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        self._patch.stop()
        super().__exit__(*error)

    def __torch_dispatch__(self, function: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        leaves = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, Tensor)]
        away = [leaf for leaf in leaves if isinstance(leaf, Elsewhere)]
        if away:
            self.operations += 1
            name = function.overloadpacket.__name__
            reason = _reason(name, args, kwargs, result, crosses=len(away) < len(leaves))
            if reason:
                self._note(reason)
        return result

    @property
    def total(self) -> int:
        """How often the host waits."""
        return self.found.total()

    def table(self) -> str:
        """Return what makes it wait, most often first."""
        rows = [(name, where, str(n)) for (name, where), n in self.found.most_common()]
        return markdown_table(("operator", "asked for in", "times"), rows)

    def _note(self, reason: str) -> None:
        frames = [frame for frame in traceback.extract_stack() if "/trmml/" in frame.filename]
        asked = frames[-1] if frames else None
        where = f"{asked.filename.split('/trmml/')[-1]}:{asked.lineno}" if asked else "elsewhere"
        self.found[reason, where] += 1


def _reason(
    name: str, args: Any, kwargs: dict[str, Any], result: Any, *, crosses: bool
) -> str | None:
    if name in READING or (name == "repeat_interleave" and isinstance(args[0], Tensor)):
        return name
    if name in COPYING and crosses:
        to_device = isinstance(result, Elsewhere)  # what comes back has to be waited for
        left_to_itself = kwargs.get("non_blocking") or (name == "copy_" and True in args[2:])
        return None if to_device and left_to_itself else f"{name} between devices"
    if name in INDEXING:
        indices = [index for index in args[1] if isinstance(index, Tensor)]
        if any(index.dtype in (torch.bool, torch.uint8) for index in indices):
            return f"{name} by a mask"
        if any(not isinstance(index, Elsewhere) and index.dim() for index in indices):
            return f"{name} by indices of the host"
    return None
