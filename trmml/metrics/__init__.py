"""How good scores are: average precision in named definitions, decisions, and reliability."""

from trmml.metrics.class_table import ClassRow, class_table, format_class_table
from trmml.metrics.decisions import PrecisionRecallF1, decide, precision_recall_f1
from trmml.metrics.ranking import (
    AveragePrecision,
    average_precision,
    mean_average_precision,
    summarize_average_precision,
)
from trmml.metrics.reliability import Reliability, reliability
from trmml.metrics.streaming import ScoreAccumulator

__all__ = [
    "AveragePrecision",
    "ClassRow",
    "PrecisionRecallF1",
    "Reliability",
    "ScoreAccumulator",
    "average_precision",
    "class_table",
    "decide",
    "format_class_table",
    "mean_average_precision",
    "precision_recall_f1",
    "reliability",
    "summarize_average_precision",
]
