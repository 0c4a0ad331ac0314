"""From evidence to labels with a promise: how often what is added will be right.

Statistics over whole data sets, computed once in double precision; unlike `trmml.functional`,
nothing here is meant for the inside of a training step.
"""

from trmml.completion.added_labels import Completion, completion_figures
from trmml.completion.conformal_selection import conformal_p_values, conformal_selection
from trmml.completion.evidence_regression import (
    EvidenceRegression,
    evidence_logits,
    evidence_regression,
)
from trmml.completion.out_of_fold import OutOfFold, logistic_probes, out_of_fold_probabilities
from trmml.completion.promised_precision import (
    ScoreTable,
    precision_lower_bound,
    score_table,
    threshold_for_precision,
)
from trmml.completion.ranked_labels import ranked_labels
from trmml.completion.report import CalibrationReport
from trmml.completion.stacking import Stacking, fit_stacking
from trmml.completion.sure_evidence import surely_tells
from trmml.completion.suspect_labels import SuspectLabels, rank_suspects
from trmml.completion.withheld_labels import CrossFit, cross_fitted, fit_withheld

__all__ = [
    "CalibrationReport",
    "Completion",
    "CrossFit",
    "EvidenceRegression",
    "OutOfFold",
    "ScoreTable",
    "Stacking",
    "SuspectLabels",
    "completion_figures",
    "conformal_p_values",
    "conformal_selection",
    "cross_fitted",
    "evidence_logits",
    "evidence_regression",
    "fit_stacking",
    "fit_withheld",
    "logistic_probes",
    "out_of_fold_probabilities",
    "precision_lower_bound",
    "rank_suspects",
    "ranked_labels",
    "score_table",
    "surely_tells",
    "threshold_for_precision",
]
