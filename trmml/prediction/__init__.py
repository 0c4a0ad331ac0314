"""From photographs to tags: scoring, evaluation, decisions, pictures and labels to review."""

from trmml.prediction.annotation_files import (
    AnnotationFormat,
    label_studio_interface,
    write_annotations,
)
from trmml.prediction.calibration import calibrate_thresholds
from trmml.prediction.classes import align_classes
from trmml.prediction.drawing import Panel, captioned, contact_sheet, overlay
from trmml.prediction.ensemble import ensemble_scores, mixed_scores
from trmml.prediction.evaluation import DecisionFigures, Evaluation, evaluate_scores
from trmml.prediction.heatmaps import DrawnImage, draw_heatmaps, draw_sheets
from trmml.prediction.image_files import find_images, split_names
from trmml.prediction.inspection import describe_file, describe_installation
from trmml.prediction.next_labels import next_labels
from trmml.prediction.opening import choose_device, open_model
from trmml.prediction.output_formats import Format, prediction_writer
from trmml.prediction.promised_labels import (
    CalibratedProposals,
    calibrated_proposals,
    is_calibrated,
)
from trmml.prediction.proposal import Proposal, ProposalSource
from trmml.prediction.proposals import propose_labels
from trmml.prediction.review_file import Merged, merge_review, write_review
from trmml.prediction.review_order import ReviewOrder, answer_value, order_for_review
from trmml.prediction.review_page import write_review_page
from trmml.prediction.review_tasks import ReviewFormat, write_review_tasks
from trmml.prediction.scoring import ScoredBatch, score_images, stream_scores
from trmml.prediction.stacking import fit_stack, stack_and_score
from trmml.prediction.suspects import Suspect, Suspects, find_suspects
from trmml.prediction.tagging import ImageTag, Prediction, decision_thresholds, tag_images

__all__ = [
    "AnnotationFormat",
    "CalibratedProposals",
    "DecisionFigures",
    "DrawnImage",
    "Evaluation",
    "Format",
    "ImageTag",
    "Merged",
    "Panel",
    "Prediction",
    "Proposal",
    "ProposalSource",
    "ReviewFormat",
    "ReviewOrder",
    "ScoredBatch",
    "Suspect",
    "Suspects",
    "align_classes",
    "answer_value",
    "calibrate_thresholds",
    "calibrated_proposals",
    "captioned",
    "choose_device",
    "contact_sheet",
    "decision_thresholds",
    "describe_file",
    "describe_installation",
    "draw_heatmaps",
    "draw_sheets",
    "ensemble_scores",
    "evaluate_scores",
    "find_images",
    "find_suspects",
    "fit_stack",
    "is_calibrated",
    "label_studio_interface",
    "merge_review",
    "mixed_scores",
    "next_labels",
    "open_model",
    "order_for_review",
    "overlay",
    "prediction_writer",
    "propose_labels",
    "score_images",
    "split_names",
    "stack_and_score",
    "stream_scores",
    "tag_images",
    "write_annotations",
    "write_review",
    "write_review_page",
    "write_review_tasks",
]
