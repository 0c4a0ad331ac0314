"""The reference model, its configuration, and the paper's ablations."""

from trmml.models.ablations import ABLATIONS, PROTOTYPE_ABLATIONS
from trmml.models.class_sampling import sample_classes
from trmml.models.config import TRMMLConfig
from trmml.models.hub import HubModel
from trmml.models.multimodal_prototypes import MultimodalPrototypes
from trmml.models.outputs import TRMMLLosses, TRMMLOutput
from trmml.models.region_maps import region_maps
from trmml.models.text_region_learner import TextRegionLearner
from trmml.models.text_region_matcher import TextRegionMatcher
from trmml.models.trmml import TRMML
from trmml.models.zero_shot import TEMPLATES, zero_shot_scores, zero_shot_text_features

__all__ = [
    "ABLATIONS",
    "PROTOTYPE_ABLATIONS",
    "TEMPLATES",
    "TRMML",
    "HubModel",
    "MultimodalPrototypes",
    "TRMMLConfig",
    "TRMMLLosses",
    "TRMMLOutput",
    "TextRegionLearner",
    "TextRegionMatcher",
    "region_maps",
    "sample_classes",
    "zero_shot_scores",
    "zero_shot_text_features",
]
