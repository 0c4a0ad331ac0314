"""How good the scores are: average precision in named definitions, precision, recall and F1."""

from trmml.metrics.ranking import (
    AveragePrecision,
    average_precision,
    mean_average_precision,
    summarize_average_precision,
)
from trmml.metrics.streaming import ScoreAccumulator

__all__ = [
    "AveragePrecision",
    "ScoreAccumulator",
    "average_precision",
    "mean_average_precision",
    "summarize_average_precision",
]
