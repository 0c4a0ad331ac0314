"""One training step as a module, so that it can be wrapped, compiled and sent to a device."""

from typing import cast

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
    """

    def __init__(self, model: TRMML) -> None:
        """Hold the model."""
        super().__init__()
        self.model = model

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
        chosen = {} if classes is None else {"classes": classes}
        if grid is None:
            output = self.model(inputs, **chosen)
        else:
            output = self.model.match(inputs, grid, **chosen)
        return cast("TRMMLLosses", self.model.loss(output, labels))
