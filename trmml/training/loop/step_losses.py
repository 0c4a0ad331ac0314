"""The losses of a step, brought from the device to the host at once."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["Losses", "StepLosses"]

Losses = dict[str, Float[Tensor, ""]]
"""Losses by name, as a task gives them; "total" is minimised."""


class StepLosses:
    """Collect the losses of a step's parts, and look at all of them once.

    A look at a value waits for what the device was given before it. So there is one a step, and
    where the device can go on meanwhile, as a GPU, the copy is sent behind the last forward pass:
    the backward pass is in the queue when the host waits for it.
    """

    def __init__(self) -> None:
        """Start with no part."""
        self._names: list[str] = []
        self._parts: list[Float[Tensor, " losses"]] = []
        self._sent: Any = None

    def add(self, losses: Losses) -> None:
        """Keep the losses of a part, the same names in every part."""
        self._names = list(losses)
        self._parts.append(torch.stack([value.detach() for value in losses.values()]))

    def send(self) -> None:
        """Start the copy to the host; to be called after the last forward pass."""
        values = torch.stack(self._parts)
        if values.is_cuda:
            values = values.to("cpu", non_blocking=True)
            self._sent = torch.cuda.Event()
            self._sent.record()
        self._values = values

    def receive(self) -> list[Losses]:
        """Return the losses of each part, on the host."""
        if self._sent is not None:
            self._sent.synchronize()
        return [dict(zip(self._names, part, strict=True)) for part in self._values.cpu()]
