"""Frozen batch norms as part of the convolutions before them."""

import copy
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["FoldedCopy", "fold_batch_norms"]


def fold_batch_norms(module: nn.Module, *, share: tuple[nn.Module, ...] = ()) -> nn.Module:
    r"""Return a copy in eval mode whose convolutions do the work of the batch norms behind them.

    $$ \mathrm{bn}(w * x) = (s\,w) * x + (\beta - s\,\mu), \qquad
       s = \gamma / \sqrt{\sigma^2 + \epsilon} $$

    A batch norm is folded if it stands directly behind a convolution without a bias, in the order
    in which their parent registers them. The result is the same up to rounding.

    Args:
        module: Any module that calls its parts in that order; not changed.
        share: Parts of it that the copy uses themselves, because nothing in them changes.
    """
    folded = copy.deepcopy(module, {id(part): part for part in share}).eval()
    for parent in list(folded.modules()):
        for (place, conv), (name, norm) in pairwise(list(parent.named_children())):
            if type(conv) is nn.Conv2d and conv.bias is None and type(norm) is nn.BatchNorm2d:
                if norm.running_mean is None or norm.running_var is None:
                    raise ValueError(
                        "`module` must keep running statistics, got a batch norm without them."
                    )
                dtype = conv.weight.dtype  # half precision is to be rounded once
                wide = torch.promote_types(dtype, torch.float32)
                setattr(parent, place, fuse_conv_bn_eval(conv.to(wide), norm.to(wide)).to(dtype))
                setattr(parent, name, nn.Identity())
    return folded


class FoldedCopy:
    """A frozen module with folded batch norms, made when first asked for and kept up to date.

    The module itself stays as it is, so its state and fingerprint are those of its own weights.
    The copy is made anew after weights were loaded, moved, replaced or changed in place.

    Args:
        module: The frozen module.
        share: As in `fold_batch_norms`.
    """

    def __init__(self, module: nn.Module, *, share: tuple[nn.Module, ...] = ()) -> None:
        """Copy nothing yet."""
        self._module, self._share = module, share
        self._copy: nn.Module | None = None
        self._made_from: list[tuple[dict[str, Any], str, Tensor, tuple[int, int]]] = []

    def __call__(self) -> nn.Module:
        """Return the copy."""
        if self._copy is None or any(
            owner.get(name) is not tensor or _state(tensor) != state
            for owner, name, tensor, state in self._made_from
        ):
            # a copy made in inference mode could not be used outside of it
            with torch.inference_mode(False):
                self._copy = fold_batch_norms(self._module, share=self._share)
            self._made_from = [
                (owner, name, tensor, _state(tensor))
                for part in self._module.modules()
                for owner in (part._parameters, part._buffers)
                for name, tensor in owner.items()
                if tensor is not None
            ]
        return self._copy


def _state(tensor: Tensor) -> tuple[int, int]:
    """Tell whether a tensor's values may have changed: its memory, and its changes in place."""
    return tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version
