"""What training reads: rows of dense features, or of images, in any order."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor

from trmml.data import ImageTable
from trmml.labels import Labels, check_labels
from trmml.models import Batch
from trmml.training.sources.stored_features import StoredFeatures

__all__ = ["FeatureSource", "TrainingSource", "labels_checksum", "name_files"]


@runtime_checkable
class TrainingSource(Protocol):
    """Rows to train on; whatever has these three can be trained on."""

    @property
    def labels(self) -> Labels:
        """Labels of all rows."""
        ...

    def batches(self, parts: Sequence[Int[Tensor, " _"]], *, epoch: int) -> Iterator[Batch]:
        """Yield one batch for each set of rows, which may be empty.

        Where another image takes the place of one that cannot be read, `Batch.rows` says which.
        """
        ...

    def describe(self, rows: Int[Tensor, " rows"]) -> str:
        """Name rows in an error message."""
        ...


class FeatureSource:
    """Dense features in memory, with labels.

    Raises:
        ValueError: If sizes disagree or a label is not -1, 0 or +1.
        FloatingPointError: If a feature is not finite, with the image.
    """

    def __init__(self, features: StoredFeatures, labels: Labels) -> None:
        """Check both once."""
        if labels.shape[0] != len(features):
            raise ValueError(f"`labels` must have {len(features)} rows, got {labels.shape[0]}.")
        check_labels(labels)
        broken = ~features.dense.isfinite().flatten(1).all(dim=1)
        if bool(broken.any()):
            rows = broken.nonzero().flatten().tolist()
            raise FloatingPointError(
                f"`features` must be finite, got nan or inf in {len(rows)} images: {rows[:8]}; "
                "look at these images, or encode in higher precision."
            )
        self.features, self.labels = features, labels

    def batches(self, parts: Sequence[Int[Tensor, " _"]], *, epoch: int) -> Iterator[Batch]:  # noqa: ARG002
        """Yield one batch for each set of rows; every epoch sees the same features."""
        for rows in parts:
            dense = self.features.dense[rows]
            yield Batch(dense, self.labels[rows], self.features.grid, rows=rows)

    def describe(self, rows: Int[Tensor, " rows"]) -> str:
        """Name rows by their number."""
        return f"images {rows.tolist()[:8]}{'...' if len(rows) > 8 else ''}"


def name_files(table: ImageTable, rows: Int[Tensor, " rows"]) -> str:
    """Name the files of some rows, as far as a message has room."""
    names = [table.names[row] for row in rows.tolist()]
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def labels_checksum(labels: Labels) -> str:
    """Return the SHA-256 of labels: which are known, what they are, and in which order."""
    content = labels.detach().to("cpu", torch.int8).contiguous()
    return hashlib.sha256(
        f"{tuple(content.shape)}".encode() + content.numpy().tobytes()
    ).hexdigest()
