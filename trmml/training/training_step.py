"""One training step as a module, so that it can be wrapped, compiled and sent to a device."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from trmml.labels import Labels
from trmml.models import TRMML, TRMMLLosses

__all__ = ["TrainingStep"]


class TrainingStep(nn.Module):
    """From a batch to its losses.

    Everything with a gradient happens inside one `forward`: that is what
    `DistributedDataParallel`, autocast and `torch.compile` ask for.

    Args:
        model: To train.
        compile: Whether to compile its `match`, where nearly all of a step's gradients are.
    """

    def __init__(self, model: TRMML, *, compile: bool = False) -> None:
        """Hold the model."""
        super().__init__()
        self.model = model
        self._match = torch.compile(model.match) if compile else model.match

    def forward(
        self,
        inputs: Float[Tensor, "batch ..."],
        labels: Labels,
        grid: tuple[int, int] | None = None,
        classes: Int[Tensor, " sampled"] | None = None,
    ) -> TRMMLLosses:
        """Return the losses of normalised images, or with a grid of dense features.

        Args:
            inputs: Images [batch 3 height width], or features [batch positions dim].
            labels: Labels in {-1, 0, +1} of all categories.
            grid: Height and width of the grid of positions; None for images.
            classes: Categories that take part in this step; None for all.
        """
        if grid is None:
            inputs, grid = self.model.image_encoder.encode_dense(inputs)
        return self.model.loss(self._match(inputs, grid, classes=classes), labels)
