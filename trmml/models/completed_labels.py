"""The labels of all training images as they were completed; saved with the run."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.labels import UNKNOWN, Labels
from trmml.typed_module import TypedModule

__all__ = ["CompletedLabels"]

BUFFERS = ("labels", "probabilities")


class CompletedLabels(TypedModule):
    """Hold completed labels of as many images as there are; of none before the first.

    Args:
        num_classes: Number of categories.

    Examples:
        >>> completed = CompletedLabels(2)
        >>> completed.hold(torch.tensor([[1, -1], [0, 1]]))
        >>> completed.of(torch.tensor([1])).tolist()
        [[0, 1]]
    """

    labels: Tensor
    probabilities: Tensor

    def __init__(self, num_classes: int) -> None:
        """Start with none."""
        super().__init__()
        self.register_buffer("labels", torch.zeros(0, num_classes, dtype=torch.int8))
        self.register_buffer("probabilities", torch.zeros(0, num_classes, dtype=torch.float16))

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def hold(
        self, labels: Labels, probabilities: Float[Tensor, "images classes"] | None = None
    ) -> None:
        """Keep labels of all images, in the order of their rows.

        Args:
            labels: Completed, in {-1, 0, +1}.
            probabilities: That each is positive; kept in half precision, to report on.
        """
        self.labels = labels.to(self.labels.device, torch.int8)
        if probabilities is not None:
            self.probabilities = probabilities.to(self.labels.device, torch.float16)

    def note(
        self, rows: Int[Tensor, " rows"], labels: Labels, *, num_images: int | None = None
    ) -> None:
        """Replace the labels of some rows, and make room for them where there is none.

        Args:
            rows: Which of all images these are.
            labels: Completed, in {-1, 0, +1}.
            num_images: How many images there are; None looks for the last in `rows`.
        """
        if num_images is None:
            num_images = int(rows.max()) + 1 if len(rows) else 0
        missing = num_images - len(self)
        if missing > 0:
            unseen = self.labels.new_full((missing, self.labels.shape[1]), UNKNOWN)
            self.labels = torch.cat([self.labels, unseen])
        self.labels[rows] = labels.to(torch.int8)

    def of(self, rows: Tensor) -> Labels:
        """Return the labels of some rows."""
        return self.labels[rows]

    def over(self, known: Labels) -> Labels:
        """Return known labels with what is held where nothing is known.

        Args:
            known: Of all images.
        """
        completed = known.clone()
        held = self.labels.to(known.device, known.dtype)
        completed[: len(held)] = torch.where(
            known[: len(held)] == UNKNOWN, held, known[: len(held)]
        )
        return completed

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Make room for as many images as were saved; an earlier version saved none."""
        for name in BUFFERS:
            held = getattr(self, name)
            saved = state_dict.setdefault(prefix + name, held)
            setattr(self, name, held.new_zeros(len(saved), held.shape[1]))
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
