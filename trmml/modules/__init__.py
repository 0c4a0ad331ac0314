"""The parts of TRM-ML that hold parameters or state, each usable in any training loop."""

from trmml.modules.adaptive_threshold_pseudo_labeler import AdaptiveThresholdPseudoLabeler
from trmml.modules.calibrated_pseudo_labeler import CalibratedPseudoLabeler
from trmml.modules.category_aware_region_decoder import CategoryAwareRegionDecoder, RegionOutput
from trmml.modules.dual_prompt_learner import DualPromptLearner
from trmml.modules.gated_graph import GatedGraph
from trmml.modules.graph_convolutions import GraphConvolutions
from trmml.modules.prompt_encoder import PromptEncoder
from trmml.modules.prompt_learner import PromptLearner
from trmml.modules.prototype_memory_bank import PrototypeMemoryBank
from trmml.modules.semantic_decoupling import SemanticDecoupling

__all__ = [
    "AdaptiveThresholdPseudoLabeler",
    "CalibratedPseudoLabeler",
    "CategoryAwareRegionDecoder",
    "DualPromptLearner",
    "GatedGraph",
    "GraphConvolutions",
    "PromptEncoder",
    "PromptLearner",
    "PrototypeMemoryBank",
    "RegionOutput",
    "SemanticDecoupling",
]
