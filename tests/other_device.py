"""A device that is not the CPU, on any machine: to see whether code keeps to one device.

Its tensors hold a tensor of the CPU and say that they are elsewhere. What a GPU would refuse is
refused: an operation on tensors of two devices, unless the foreign one has no dimensions or is an
index; and, where it is asked for, numbers of 64 bits, which an Apple processor's GPU has not. It
stands in for where tensors are, and not for a GPU's numbers, memory or speed.
"""
# ruff: noqa: ANN401 - what torch dispatches has no types

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

__all__ = ["ELSEWHERE", "other_device"]

# A device that torch knows without a driver, and that nothing else here uses.
ELSEWHERE = torch.device("meta")
ATEN = torch.ops.aten
TRANSFERS = {ATEN._to_copy.default, ATEN.copy_.default}
_LACKS: frozenset[torch.dtype] = frozenset()
INDEXED = {ATEN.index.Tensor, ATEN.index_put.default, ATEN.index_put_.default}


@contextmanager
def other_device(*, doubles: bool = True) -> Iterator[torch.device]:
    """Let tensors be made on, and sent to, the device that it yields.

    Args:
        doubles: Whether the device has float64.
    """
    lacks = frozenset() if doubles else frozenset({torch.float64})
    with _Making(), patch("torch.tensor", _tensor), patch(f"{__name__}._LACKS", lacks):
        yield ELSEWHERE


def _tensor(data: object, *, device: Any = None, usual: Any = torch.tensor, **options: Any) -> Any:
    """Send values there; torch itself would leave them behind."""
    made = usual(data, **options)
    return made if device is None else made.to(device)


class Elsewhere(Tensor):
    """A tensor that says it is elsewhere, and computes on what it holds."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "Elsewhere":  # noqa: PYI034
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=ELSEWHERE,
        )
        made.held = held
        return made

    def __repr__(self, **_: object) -> str:
        return f"Elsewhere({self.held})"

    def tolist(self) -> Any:
        return self.held.tolist()

    @classmethod
    def __torch_dispatch__(cls, function: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(function, args, kwargs or {})


class _Making(TorchDispatchMode):
    def __torch_dispatch__(self, function: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(function, args, kwargs or {})


def _compute(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Run an operation on what the tensors hold, and say where its result is."""
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    away = [tensor for tensor in tensors if isinstance(tensor, Elsewhere)]
    device = kwargs.get("device")
    there = bool(away) if device is None else torch.device(device) == ELSEWHERE
    if there and device is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    if away and function not in TRANSFERS:
        _refuse_two_devices(function, args, tensors)
    result = function(*tree_map(_held, args), **tree_map(_held, kwargs))
    known = {id(_held(tensor)): tensor for tensor in tensors}  # what is changed in place stays it

    def placed(leaf: Any) -> Any:
        if id(leaf) in known:
            return known[id(leaf)]
        if not there or not isinstance(leaf, Tensor):
            return leaf
        if leaf.dtype in _LACKS:
            raise TypeError(f"{function} makes {leaf.dtype}, which the device has not")
        return Elsewhere(leaf)

    return tree_map(placed, result)


def _held(leaf: Any) -> Any:
    return leaf.held if isinstance(leaf, Elsewhere) else leaf


def _refuse_two_devices(function: Any, args: Any, tensors: list[Tensor]) -> None:
    """Raise where a GPU would raise."""
    indices = {id(leaf) for leaf in tree_leaves(args[1])} if function in INDEXED else set()
    for tensor in tensors:
        if not isinstance(tensor, Elsewhere) and tensor.dim() > 0 and id(tensor) not in indices:
            raise RuntimeError(
                f"{function} was given tensors of two devices: one of the CPU, {tensor.shape}"
            )
