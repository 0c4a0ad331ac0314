"""The labels of all training images, as they were completed once; saved with the run."""

import torch
from torch import Tensor, nn

from trmml.labels import Labels

__all__ = ["CompletedLabels"]


class CompletedLabels(nn.Module):
    """Hold completed labels of as many images as there are; of none before `hold`.

    Args:
        num_classes: Number of categories.

    Examples:
        >>> completed = CompletedLabels(2)
        >>> completed.hold(torch.tensor([[1, -1], [0, 1]]))
        >>> completed.of(torch.tensor([1])).tolist()
        [[0, 1]]
    """

    labels: Tensor

    def __init__(self, num_classes: int) -> None:
        """Start with none."""
        super().__init__()
        self.register_buffer(
            "labels", torch.zeros(0, num_classes, dtype=torch.int8), persistent=False
        )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def hold(self, labels: Labels) -> None:
        """Keep labels of all images, in the order of their rows."""
        self.labels = labels.to(self.labels.device, torch.int8)

    def of(self, rows: Tensor) -> Labels:
        """Return the labels of some rows."""
        return self.labels[rows]

    def get_extra_state(self) -> Tensor:
        """Return what is saved, of however many images."""
        return self.labels

    def set_extra_state(self, state: Tensor) -> None:
        """Take over what was saved."""
        self.hold(state)
