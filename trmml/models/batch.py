"""What a training step gets to see."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from trmml.labels import Labels

__all__ = ["Batch"]


class Batch(NamedTuple):
    """Some images, as pixels or as stored features, with their known labels.

    Attributes:
        inputs: Normalised images [batch 3 height width], or dense features [batch positions dim].
        labels: Labels in {-1, 0, +1} of all classes.
        grid: Height and width of the grid of positions; None for images.
        classes: Indices of the only classes that take part in this step; None for all.
        rows: Which of all training images each one is; None where nobody keeps count.
        finish: What `to` does with the inputs once they are sent, such as to normalise 8-bit
            pixels; None where nothing is left to do.
    """

    inputs: Float[Tensor, "batch ..."] | UInt8[Tensor, "batch ..."]
    labels: Labels
    grid: tuple[int, int] | None = None
    classes: Int[Tensor, " sampled"] | None = None
    rows: Int[Tensor, " batch"] | None = None
    finish: Callable[[Tensor], Tensor] | None = None

    @property
    def sampled_labels(self) -> Labels:
        """The labels of the classes that take part."""
        return self.labels if self.classes is None else self.labels[:, self.classes]

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device, which copies it by and by, and finishes it there."""
        tensors = {
            name: value.to(device, non_blocking=True)
            for name, value in self._asdict().items()
            if isinstance(value, Tensor)
        }
        sent = self._replace(**tensors, finish=None)
        return sent if self.finish is None else sent._replace(inputs=self.finish(sent.inputs))
