"""Collect scores and labels batch by batch, for metrics that need them all at once."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trmml.labels import Labels, check_labels
from trmml.metrics.decisions import PrecisionRecallF1, precision_recall_f1
from trmml.metrics.ranking import AveragePrecision, summarize_average_precision

__all__ = ["ScoreAccumulator"]


class ScoreAccumulator:
    """Keep the scores and labels of an evaluation, then rank them all together.

    Average precision is no mean over batches, so the scores are kept, on the CPU: 4 bytes for a
    float32 score and 1 for its label. Any number of metrics can be computed from what was kept.

    Examples:
        >>> accumulator = ScoreAccumulator()
        >>> for score, label in [(0.9, 1), (0.8, -1), (0.3, 1)]:
        ...     accumulator.update(torch.tensor([[score]]), torch.tensor([[label]]))
        >>> round(accumulator.average_precision().mean, 4)
        0.8333
    """

    def __init__(self) -> None:
        """Start empty."""
        self._scores: list[Tensor] = []
        self._labels: list[Tensor] = []
        self._rows: list[Tensor] = []

    def update(
        self,
        scores: Float[Tensor, "batch classes"],
        labels: Labels,
        *,
        rows: Int[Tensor, " batch"] | None = None,
    ) -> None:
        """Add one batch.

        Args:
            scores: Scores of the batch, on any device.
            labels: Its labels, +1, -1, or 0 for unknown.
            rows: Each sample's row in the dataset. Where given, a row seen twice counts once, so
                that a distributed sampler's padding changes nothing, and the kept rows are put
                in the dataset's order. Give them for every batch or for none.

        Raises:
            ValueError: If labels have another coding, a shape differs from the batches before, or
                only some batches came with `rows`.
        """
        check_labels(labels)
        if scores.shape != labels.shape:
            raise ValueError(
                f"`labels` must have the shape of `scores`, {list(scores.shape)}, got "
                f"{list(labels.shape)}."
            )
        if self._scores and scores.shape[1] != self._scores[0].shape[1]:
            raise ValueError(
                f"`scores` must have {self._scores[0].shape[1]} classes as in the first batch, "
                f"got {scores.shape[1]}."
            )
        if self._scores and (rows is None) == bool(self._rows):
            raise ValueError("`rows` must be given for every batch or for none, got a mixture.")
        self._scores.append(scores.detach().to("cpu", copy=True))
        self._labels.append(labels.detach().to("cpu", torch.int8, copy=True))
        if rows is not None:
            self._rows.append(rows.detach().to("cpu", torch.int64, copy=True))

    def __len__(self) -> int:
        """Return the number of samples added, repeated rows included."""
        return sum(map(len, self._scores))

    def gathered(
        self,
    ) -> tuple[Float[Tensor, "samples classes"], Int[Tensor, "samples classes"]]:
        """Return all scores and labels; each row of the dataset once if `rows` were given.

        Raises:
            ValueError: If nothing was added.
        """
        if not self._scores:
            raise ValueError("`update` must be called before a metric is computed, got no batch.")
        scores, labels = torch.cat(self._scores), torch.cat(self._labels)
        if not self._rows:
            return scores, labels
        rows, order = torch.cat(self._rows).sort(stable=True)
        first = torch.ones_like(rows, dtype=torch.bool)
        first[1:] = rows[1:] != rows[:-1]
        return scores[order[first]], labels[order[first]]

    def average_precision(self, **options: Any) -> AveragePrecision:  # noqa: ANN401
        """Summarise average precision; options as in `summarize_average_precision`."""
        return summarize_average_precision(*self.gathered(), **options)

    def precision_recall_f1(self, **options: Any) -> PrecisionRecallF1:  # noqa: ANN401
        """Summarise decisions; options as in `trmml.metrics.precision_recall_f1`."""
        return precision_recall_f1(*self.gathered(), **options)

    def reset(self) -> None:
        """Forget everything, for the next evaluation."""
        self._scores.clear()
        self._labels.clear()
        self._rows.clear()
