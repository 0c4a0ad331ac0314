"""From photographs to tags: scoring, evaluation, decisions."""

from trmml.prediction.calibration import calibrate_thresholds
from trmml.prediction.evaluation import DecisionFigures, Evaluation, evaluate_scores
from trmml.prediction.scoring import ScoredBatch, score_images, stream_scores

__all__ = [
    "DecisionFigures",
    "Evaluation",
    "ScoredBatch",
    "calibrate_thresholds",
    "evaluate_scores",
    "score_images",
    "stream_scores",
]
