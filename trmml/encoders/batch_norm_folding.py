"""Frozen batch norms as part of the convolutions before them."""

import copy
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["fold_batch_norms"]


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
