"""The reference model, its configuration, and the paper's ablations."""

from trmml.models.class_sampling import sample_classes
from trmml.models.hub import HubModel
from trmml.models.trmml.ablations import ABLATIONS, PROTOTYPE_ABLATIONS
from trmml.models.trmml.config import TRMMLConfig
from trmml.models.trmml.model import TRMML
from trmml.models.trmml.multimodal_prototypes import MultimodalPrototypes
from trmml.models.trmml.outputs import TRMMLLosses, TRMMLOutput
from trmml.models.trmml.region_maps import region_maps
from trmml.models.trmml.text_region_learner import TextRegionLearner
from trmml.models.trmml.text_region_matcher import TextRegionMatcher
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
