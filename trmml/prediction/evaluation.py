"""Everything that is reported about scores and labels, in one record."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.json_text import json_text
from trmml.labels import Labels, known_mask
from trmml.markdown_table import markdown_table, percent
from trmml.metrics import (
    ClassRow,
    PrecisionRecallF1,
    class_table,
    format_class_table,
    mean_average_precision,
    precision_recall_f1,
    summarize_average_precision,
)
from trmml.prediction.calibration import HALF

__all__ = ["DecisionFigures", "Evaluation", "evaluate_scores"]


class DecisionFigures(NamedTuple):
    """Precision, recall and F1 of all decisions, per class (C) and overall (O), in [0, 1].

    Attributes:
        CP: Mean over classes of the precision.
        CR: Mean over classes of the recall.
        CF1: Harmonic mean of CP and CR.
        OP: True among all positive decisions.
        OR: Found among all positive labels.
        OF1: Harmonic mean of OP and OR.
    """

    CP: float
    CR: float
    CF1: float
    OP: float
    OR: float
    OF1: float


@dataclass(frozen=True)
class Evaluation:
    """How good the scores of a labelled set of images are; nan where nothing can be said.

    Attributes:
        num_images: Images that count.
        num_unreadable: Images without a score, left out.
        known_share: Share of the images' labels that is known; only these count.
        mean_average_precision: By the plain definition.
        interpolated_mean_average_precision: By that of VOC 2010 and later, which HCP reports.
        at_half: Decisions at probability 0.5.
        at_thresholds: Decisions at the calibrated thresholds; None without them.
        classes: Counts, plain average precision, precision, recall and F1 of each class, at the
            calibrated thresholds if there are any, otherwise at 0.5.
        thresholds: The calibrated threshold of each class; None without them.
    """

    num_images: int
    num_unreadable: int
    known_share: float
    mean_average_precision: float
    interpolated_mean_average_precision: float
    at_half: DecisionFigures
    at_thresholds: DecisionFigures | None
    classes: list[ClassRow]
    thresholds: list[float] | None

    def __str__(self) -> str:
        """Write the figures as text with Markdown tables, in percent."""
        unreadable = f", {self.num_unreadable:,} unreadable" if self.num_unreadable else ""
        rows = {"0.5": self.at_half, "calibrated": self.at_thresholds}
        decisions = [[title, *map(percent, row)] for title, row in rows.items() if row is not None]
        images = f"{self.num_images:,} images{unreadable}"
        return "\n".join(
            [
                f"{images}, {self.known_share:.1%} of the labels known",
                f"mAP {percent(self.mean_average_precision, decimals=2)} (interpolated "
                f"{percent(self.interpolated_mean_average_precision, decimals=2)})",
                "",
                markdown_table(["decisions at", *DecisionFigures._fields], decisions),
                "",
                format_class_table(self.classes),
            ]
        )

    def as_dict(self) -> dict[str, object]:
        """Return the figures as JSON gives them back: what is nan here is None there."""
        tables = {"at_half": self.at_half, "at_thresholds": self.at_thresholds}
        plain = {name: figures and figures._asdict() for name, figures in tables.items()}
        classes = [row._asdict() for row in self.classes]
        return json.loads(json_text({**vars(self), **plain, "classes": classes}))


def evaluate_scores(
    scores: Float[Tensor, "images classes"],
    labels: Labels,
    class_names: Sequence[str],
    *,
    thresholds: Float[Tensor, " classes"] | Sequence[float] | None = None,
) -> Evaluation:
    """Measure ranking and decisions of logits against known labels.

    Args:
        scores: Logits, as `score_images` returns them; rows of nan are left out and counted.
        labels: +1, -1, or 0 for unknown, which is left out.
        class_names: One name a class.
        thresholds: Calibrated thresholds of the probabilities, if there are any.

    Raises:
        ValueError: If a size does not fit, labels have another coding, or they hold positives and
            unknowns but no negative at all.

    Examples:
        >>> scores = torch.tensor([[2.0, -1.0], [-3.0, 0.5]])
        >>> labels = torch.tensor([[1, -1], [-1, 1]])
        >>> evaluate_scores(scores, labels, ["cat", "dog"]).mean_average_precision
        1.0
    """
    if scores.shape != labels.shape:
        raise ValueError(
            f"`labels` must have the shape of `scores`, {list(scores.shape)}, got "
            f"{list(labels.shape)}."
        )
    readable = ~scores.isnan().all(1)
    scores, labels = scores[readable], labels.to(scores.device)[readable]
    probabilities = scores.float().sigmoid()
    cuts = None if thresholds is None else torch.as_tensor(thresholds).to(probabilities)
    if cuts is not None and cuts.shape != scores.shape[1:]:
        raise ValueError(
            f"`thresholds` must have {scores.shape[1]} numbers, one a class, got "
            f"{list(cuts.shape)}."
        )
    decided = HALF if cuts is None else cuts
    # Ranked by logits, because probabilities saturate; decided by probabilities, as `predict` is.
    ranking = summarize_average_precision(scores, labels)
    rows = class_table(probabilities, labels, class_names, threshold=decided)
    return Evaluation(
        num_images=len(scores),
        num_unreadable=int((~readable).sum()),
        known_share=float(known_mask(labels).double().mean()),
        mean_average_precision=ranking.mean,
        interpolated_mean_average_precision=mean_average_precision(
            scores, labels, definition="interpolated"
        ),
        at_half=_figures(precision_recall_f1(probabilities, labels, threshold=HALF)),
        at_thresholds=None
        if cuts is None
        else _figures(precision_recall_f1(probabilities, labels, threshold=cuts)),
        classes=[
            row._replace(average_precision=value)
            for row, value in zip(rows, ranking.per_class.tolist(), strict=True)
        ],
        thresholds=None if cuts is None else cuts.tolist(),
    )


def _figures(result: PrecisionRecallF1) -> DecisionFigures:
    return DecisionFigures(*(getattr(result, name) for name in DecisionFigures._fields))
