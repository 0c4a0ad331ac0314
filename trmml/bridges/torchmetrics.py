"""Metrics of torchmetrics for labels of which some are unknown."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.data import from_signed
from trmml.extras import install_line
from trmml.labels import UNKNOWN, Labels, check_labels
from trmml.metrics import mean_average_precision
from trmml.metrics.inputs import EmptyRule, UnknownRule
from trmml.metrics.ranking import Definition, Ties

try:
    from torchmetrics import Metric
    from torchmetrics.utilities.data import dim_zero_cat
    from torchmetrics.wrappers.abstract import WrapperMetric
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"this bridge leads to torchmetrics; {install_line('torchmetrics')}", name=error.name
    ) from error

__all__ = ["MeanAveragePrecision", "SignedLabels"]


class MeanAveragePrecision(Metric):
    """The `trmml.metrics.mean_average_precision` of all batches, as a metric of torchmetrics.

    Scores and labels are kept until the end, where they are, and brought together over processes
    by torchmetrics. A sampler that repeats images to fill up the last batch has them counted twice;
    `trmml.metrics.ScoreAccumulator` counts each row once.

    Args:
        definition: As in `mean_average_precision`.
        unknown: As in `mean_average_precision`.
        empty: As in `mean_average_precision`.
        ties: As in `mean_average_precision`.
        **options: Of every metric of torchmetrics, such as `compute_on_cpu`.

    Examples:
        >>> metric = MeanAveragePrecision()
        >>> for score, label in [(0.9, 1), (0.8, -1), (0.7, 0), (0.3, 1)]:
        ...     metric.update(torch.tensor([[score]]), torch.tensor([[label]]))
        >>> metric.compute()
        tensor(0.8333)
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    scores: list[Tensor]
    labels: list[Tensor]

    def __init__(
        self,
        *,
        definition: Definition = "plain",
        unknown: UnknownRule = "exclude",
        empty: EmptyRule = "skip",
        ties: Ties = "pessimistic",
        **options: Any,  # noqa: ANN401 - torchmetrics names and checks them
    ) -> None:
        """Start with nothing kept."""
        super().__init__(**options)
        self.definition: Definition = definition
        self.unknown: UnknownRule = unknown
        self.empty: EmptyRule = empty
        self.ties: Ties = ties
        self.add_state("scores", default=[], dist_reduce_fx="cat")
        self.add_state("labels", default=[], dist_reduce_fx="cat")

    def update(self, scores: Float[Tensor, "batch classes"], labels: Labels) -> None:
        """Keep a batch.

        Args:
            scores: Higher for more likely; best logits, as probabilities may tie.
            labels: +1, -1, or 0 for unknown.

        Raises:
            ValueError: If the shapes differ, or labels have another coding.
        """
        _check(scores, labels)
        self.scores.append(scores.detach())
        self.labels.append(labels.detach())

    def compute(self) -> Float[Tensor, ""]:
        """Return the mean over classes, in [0, 1]; nan where no class has a positive.

        Raises:
            ValueError: As `mean_average_precision`, or if nothing was kept.
        """
        scores = dim_zero_cat(self.scores)
        value = mean_average_precision(
            scores,
            dim_zero_cat(self.labels),
            definition=self.definition,
            unknown=self.unknown,
            empty=self.empty,
            ties=self.ties,
        )
        return torch.tensor(value, device=scores.device)


class SignedLabels(WrapperMetric):
    """Give a multi-label metric of torchmetrics this library's labels, the unknown ones ignored.

    Those metrics know 1 and 0, and leave out what is `ignore_index`. With `ignore_index=-1` they
    take labels of +1, -1 and 0 without a word: they leave out the negatives, and count what is
    unknown as negative. Here each label is translated first.

    Args:
        metric: Made with `ignore_index`, any whole number but 0 and 1.

    Raises:
        ValueError: If the metric ignores nothing.

    Examples:
        >>> from torchmetrics.classification import MultilabelAccuracy
        >>> metric = SignedLabels(MultilabelAccuracy(num_labels=2, ignore_index=-1))
        >>> metric.update(torch.tensor([[0.9, 0.2]]), torch.tensor([[1, 0]]))
        >>> metric.update(torch.tensor([[0.8, 0.3]]), torch.tensor([[-1, -1]]))
        >>> metric.compute()
        tensor(0.7500)
    """

    def __init__(self, metric: Metric) -> None:
        """Keep the metric."""
        super().__init__()
        ignored = getattr(metric, "ignore_index", None)
        if ignored is None or ignored in (0, 1):
            raise ValueError(
                "`metric` must have an `ignore_index` other than 0 and 1, so that unknown labels "
                f"can be left out, got {ignored}; make it with `ignore_index=-1`."
            )
        self.metric, self.ignored = metric, int(ignored)

    def update(self, scores: Float[Tensor, "batch classes"], labels: Labels) -> None:
        """Hand on a batch.

        Args:
            scores: Logits or probabilities, as the metric takes them.
            labels: +1, -1, or 0 for unknown.

        Raises:
            ValueError: If the shapes differ, or labels have another coding.
        """
        self.metric.update(scores, self._translated(scores, labels))

    def forward(self, scores: Float[Tensor, "batch classes"], labels: Labels) -> Any:  # noqa: ANN401
        """Hand on a batch, and return the metric of it alone."""
        return self.metric(scores, self._translated(scores, labels))

    def compute(self) -> Any:  # noqa: ANN401 - what the metric returns
        """Return what the metric returns."""
        return self.metric.compute()

    def reset(self) -> None:
        """Forget everything."""
        self.metric.reset()
        super().reset()

    def _translated(self, scores: Tensor, labels: Tensor) -> Tensor:
        _check(scores, labels)
        known = from_signed(labels.long(), coding="unknown_minus_one")
        return known.masked_fill(labels == UNKNOWN, self.ignored)


def _check(scores: Tensor, labels: Tensor) -> None:
    if scores.shape != labels.shape:
        raise ValueError(
            f"`labels` must have the shape of `scores`, {list(scores.shape)}, got "
            f"{list(labels.shape)}."
        )
    check_labels(labels)
