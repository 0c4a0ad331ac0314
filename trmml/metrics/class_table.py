"""One row of figures for every class, to see where a model fails."""

from collections.abc import Sequence
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from trmml.labels import Labels
from trmml.markdown_table import markdown_table, percent
from trmml.metrics.decisions import precision_recall_f1
from trmml.metrics.inputs import UnknownRule
from trmml.metrics.ranking import Definition, summarize_average_precision

__all__ = ["ClassRow", "class_table", "format_class_table"]


class ClassRow(NamedTuple):
    """The figures of one class; without a positive label nan, but for the precision.

    Attributes:
        name: The class.
        positives: Its positive labels.
        negatives: Its negative labels.
        average_precision: How well its scores rank.
        precision: True among its positive decisions.
        recall: Found among its positive labels.
        f1: Harmonic mean of both.
    """

    name: str
    positives: int
    negatives: int
    average_precision: float
    precision: float
    recall: float
    f1: float


def class_table(
    scores: Float[Tensor, "samples classes"],
    labels: Labels,
    class_names: Sequence[str],
    *,
    threshold: float | Float[Tensor, " classes"],
    definition: Definition = "plain",
    unknown: UnknownRule = "exclude",
) -> list[ClassRow]:
    """Compute the figures of every class, in the order of the classes.

    Args:
        scores: As in `average_precision`.
        labels: As in `average_precision`.
        class_names: One name a class.
        threshold: Of the decisions, in the unit of the scores, as in `decide`.
        definition: Of the average precision.
        unknown: As in `average_precision`.

    Raises:
        ValueError: If the number of names is wrong, or as `average_precision`.

    Examples:
        >>> import torch
        >>> scores, labels = torch.tensor([[0.9], [0.2]]), torch.tensor([[1], [-1]])
        >>> class_table(scores, labels, ["cat"], threshold=0.5)[0].average_precision
        1.0
    """
    if len(class_names) != scores.shape[1]:
        raise ValueError(
            f"`class_names` must have {scores.shape[1]} names, one a class, got {len(class_names)}."
        )
    ranked = summarize_average_precision(scores, labels, definition=definition, unknown=unknown)
    decided = precision_recall_f1(scores, labels, threshold=threshold, unknown=unknown)
    columns = (ranked.positives, ranked.negatives, ranked.per_class)
    columns = (*columns, decided.precision, decided.recall, decided.f1)
    values = zip(class_names, *(column.tolist() for column in columns), strict=True)
    return [ClassRow(*row) for row in values]


def format_class_table(rows: Sequence[ClassRow]) -> str:
    """Write rows as a Markdown table, in percent, in the order given.

    Examples:
        >>> print(format_class_table([ClassRow("cat", 2, 8, 0.5, 1.0, 0.5, 2 / 3)]))
        | class | positives | negatives | AP | precision | recall | F1 |
        |---|---:|---:|---:|---:|---:|---:|
        | cat | 2 | 8 | 50.0 | 100.0 | 50.0 | 66.7 |
    """
    head = ["class", "positives", "negatives", "AP", "precision", "recall", "F1"]
    body = [
        [row.name, str(row.positives), str(row.negatives), *map(percent, row[3:])] for row in rows
    ]
    return markdown_table(head, body)
