"""What a frozen module computes with: its weights made ready once, instead of in every call."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from trmml.functional.full_precision import autocast_dtype

__all__ = ["FrozenCopies", "cast_matrices"]

MATRICES = (nn.Linear, _ConvNd, nn.MultiheadAttention)  # whose weights an autocast casts


def cast_matrices(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Return a copy whose matrices and kernels are what an autocast to `dtype` makes of them.

    All other weights, such as those of norms, are shared with the module, as an autocast leaves
    them alone. Inside of it the copy computes the same numbers, to the last bit; but for torch's
    fused attention on a processor, which wants input and matrices of one precision, and so is left.

    Args:
        module: Frozen; not changed.
        dtype: Half precision of either kind.
    """
    memo: dict[int, Any] = {id(weight): weight for weight in module.parameters()}
    layers = [part for part in module.modules() if isinstance(part, MATRICES)]
    for weight in (weight for part in layers for weight in part.parameters(recurse=False)):
        if weight.dtype == torch.float32:  # an autocast leaves double precision as it is
            memo[id(weight)] = nn.Parameter(weight.detach().to(dtype), requires_grad=False)
    return copy.deepcopy(module, memo)


class FrozenCopies:
    """Copies of a frozen module, each made when first asked for and kept up to date.

    The module itself stays as it is, so its state and fingerprint are those of its own weights.
    Copies are made anew after weights were loaded, moved, replaced or changed in place.

    Args:
        module: The frozen module.
        prepare: Makes a copy that computes the same faster; None computes with the module.
    """

    def __init__(
        self, module: nn.Module, *, prepare: Callable[[nn.Module], nn.Module] | None = None
    ) -> None:
        """Copy nothing yet."""
        self._module, self._prepare = module, prepare
        self._copies: dict[torch.dtype | None, nn.Module] = {}
        self._made_from: list[tuple[dict[str, Any], str, Tensor, tuple[int, int]]] = []

    def __call__(self, dtype: torch.dtype | None = None) -> nn.Module:
        """Return what to compute with.

        Args:
            dtype: Of the autocast that is on; None where none is.
        """
        if self._prepare is None and dtype is None:
            return self._module
        if any(
            owner.get(name) is not tensor or _state(tensor) != state
            for owner, name, tensor, state in self._made_from
        ):
            self._copies.clear()
        if not self._copies:
            self._made_from = [
                (owner, name, tensor, _state(tensor))
                for part in self._module.modules()
                for owner in (part._parameters, part._buffers)
                for name, tensor in owner.items()
                if tensor is not None
            ]
        if dtype not in self._copies:
            # a copy made in inference mode could not be used outside of it
            with torch.inference_mode(False), torch.no_grad():
                self._copies[dtype] = self._made(dtype)
        return self._copies[dtype]

    def ready(self, device: torch.device) -> Any:  # noqa: ANN401 - any library's tower
        """Return what to compute with inside the autocast that is on for a device, if one is."""
        return self._module if torch.compiler.is_compiling() else self(autocast_dtype(device))

    def _made(self, dtype: torch.dtype | None) -> nn.Module:
        prepared = self._module if self._prepare is None else self._prepare(self._module)
        return prepared if dtype is None else cast_matrices(prepared, dtype)


def _state(tensor: Tensor) -> tuple[int, int]:
    """Tell whether a tensor's values may have changed: its memory, and its changes in place."""
    return tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version
