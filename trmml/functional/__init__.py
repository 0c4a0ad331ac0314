"""Pure functions, one equation or algorithm each, without state.

Every function works on batches of tensors, runs in one compiled graph, and is finite for logits
up to ±10,000 in float32, bfloat16 and float16. The modules and losses are these functions with
parameters and buffers around them.
"""

from trmml.functional.aligned_energy import aligned_calibration, aligned_energy
from trmml.functional.asymmetric_loss import asymmetric_loss
from trmml.functional.class_contrast import class_contrast
from trmml.functional.evidence_matching import evidence_logits
from trmml.functional.kmeans import kmeans
from trmml.functional.label_graph import co_occurrence, reweighted_graph, sparse_text_graph
from trmml.functional.local_matching import local_matching_scores
from trmml.functional.matching import dual_matching_logits, matching_scores
from trmml.functional.multimodal_info_nce import multimodal_info_nce
from trmml.functional.prototypes import (
    class_mean_similarity,
    prototype_similarity,
    text_similarity,
    top_pair_features,
    top_region_features,
)
from trmml.functional.reductions import LabelReduction, reduce_over_labels
from trmml.functional.region_attention import (
    Normalization,
    attended_features,
    dot_energy,
    region_features,
    region_mask,
)
from trmml.functional.region_distillation import DistillationForm, region_distillation
from trmml.functional.text_pixel import text_pixel_logits
from trmml.functional.thresholds import (
    agreeing_estimates,
    complete_labels,
    estimate_labels,
    update_thresholds,
)
from trmml.functional.unit_vectors import unit_vectors
from trmml.functional.view_consistency import sure_positives, view_consistency

__all__ = [
    "DistillationForm",
    "LabelReduction",
    "Normalization",
    "agreeing_estimates",
    "aligned_calibration",
    "aligned_energy",
    "asymmetric_loss",
    "attended_features",
    "class_contrast",
    "class_mean_similarity",
    "co_occurrence",
    "complete_labels",
    "dot_energy",
    "dual_matching_logits",
    "estimate_labels",
    "evidence_logits",
    "kmeans",
    "local_matching_scores",
    "matching_scores",
    "multimodal_info_nce",
    "prototype_similarity",
    "reduce_over_labels",
    "region_distillation",
    "region_features",
    "region_mask",
    "reweighted_graph",
    "sparse_text_graph",
    "sure_positives",
    "text_pixel_logits",
    "text_similarity",
    "top_pair_features",
    "top_region_features",
    "unit_vectors",
    "update_thresholds",
    "view_consistency",
]
