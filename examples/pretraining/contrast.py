"""CLIP's loss, knowing which other captions are true."""

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["contrast"]


def contrast(logits: Tensor, stated: Tensor, truth: Tensor) -> Tensor:
    """Return CLIP's loss over both directions, other captions that are true not held against it.

    Captions that state the same as an image's own count as its own; those that are true of it but
    state something else count neither way.
    """
    true = (stated @ (1.0 - truth).T).T < 0.5  # [images captions]: nothing stated is missing
    same = (stated[:, None] == stated[None]).all(dim=-1)
    masked = logits.masked_fill(true & ~same, -torch.inf)
    target = same.float()
    loss = logits.new_zeros(())
    for scores, weights in ((masked, target), (masked.T, target.T)):
        log_share = F.log_softmax(scores, dim=-1).masked_fill(weights == 0, 0.0)
        loss = loss - (weights * log_share).sum(-1).div(weights.sum(-1)).mean() / 2.0
    return loss
