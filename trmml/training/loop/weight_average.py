"""An average of the weights over the steps: often better than the last ones, and steadier."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

__all__ = ["WeightAverage"]


class WeightAverage:
    r"""Follow a model's parameters slowly, and lend them to the model for a while.

    $$ \bar w \leftarrow d_t\, \bar w + (1 - d_t)\, w, \qquad
       d_t = \min\!\left(d, \frac{1 + t}{10 + t}\right) $$

    The average starts fast, so that it forgets the random start ($t$ counts the updates). Buffers
    are not averaged: bank and thresholds move slowly already.

    Args:
        model: Whose parameters to follow.
        decay: $d$, share that stays at each update, in (0, 1).
    """

    def __init__(self, model: nn.Module, *, decay: float) -> None:
        """Start from the model's weights."""
        self.decay, self.updates = decay, 0
        self.weights = {name: p.detach().clone() for name, p in model.named_parameters()}

    def update(self, model: nn.Module) -> None:
        """Move towards the model's weights."""
        move = get_ema_multi_avg_fn(min(self.decay, (1 + self.updates) / (10 + self.updates)))
        move([*self.weights.values()], [*model.parameters()], self.updates)
        self.updates += 1

    @contextmanager
    def applied_to(self, model: nn.Module) -> Iterator[None]:
        """Let the model use the average while the block runs, to evaluate or to save it."""
        own = {name: p.detach().clone() for name, p in model.named_parameters()}
        _fill(model, self.weights)
        try:
            yield
        finally:
            _fill(model, own)


@torch.no_grad()
def _fill(model: nn.Module, weights: dict[str, Tensor]) -> None:
    for name, parameter in model.named_parameters():
        parameter.copy_(weights[name])
