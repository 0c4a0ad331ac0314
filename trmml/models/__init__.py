"""What predicts and how it is trained: TRM-ML, and what every method shares."""

from trmml.models.batch import Batch
from trmml.models.class_sampling import sample_classes
from trmml.models.hub import push_folder
from trmml.models.loss_config import LossConfig
from trmml.models.method_config import MethodConfig
from trmml.models.method_facts import MethodFacts, method_facts
from trmml.models.methods import METHODS, load_task
from trmml.models.multi_label_model import MultiLabelModel
from trmml.models.outputs import ModelOutput, Scores
from trmml.models.picture_predictor import PicturePredictor
from trmml.models.random_start import drawing_from
from trmml.models.task import Forerunner, ParameterGroup, Task
from trmml.models.trmml.ablations import ABLATIONS, PROTOTYPE_ABLATIONS
from trmml.models.trmml.config import TRMMLConfig
from trmml.models.trmml.model import TRMML
from trmml.models.trmml.multimodal_prototypes import MultimodalPrototypes
from trmml.models.trmml.outputs import TRMMLLosses, TRMMLOutput
from trmml.models.trmml.region_maps import region_maps
from trmml.models.trmml.task import TRMMLTask
from trmml.models.trmml.text_region_matcher import TextRegionMatcher
from trmml.models.zero_shot import TEMPLATES, zero_shot_scores, zero_shot_text_features
from trmml.models.zero_shot_stack import PredictsBy, ZeroShotStack

__all__ = [
    "ABLATIONS",
    "METHODS",
    "PROTOTYPE_ABLATIONS",
    "TEMPLATES",
    "TRMML",
    "Batch",
    "Forerunner",
    "LossConfig",
    "MethodConfig",
    "MethodFacts",
    "ModelOutput",
    "MultiLabelModel",
    "MultimodalPrototypes",
    "ParameterGroup",
    "PicturePredictor",
    "PredictsBy",
    "Scores",
    "TRMMLConfig",
    "TRMMLLosses",
    "TRMMLOutput",
    "TRMMLTask",
    "Task",
    "TextRegionMatcher",
    "ZeroShotStack",
    "drawing_from",
    "load_task",
    "method_facts",
    "push_folder",
    "region_maps",
    "sample_classes",
    "zero_shot_scores",
    "zero_shot_text_features",
]
