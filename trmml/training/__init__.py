"""Training on features computed once, and the configuration of whole runs."""

from trmml.training.config_files import dump_run_config, list_run_configs, load_run_config
from trmml.training.encoder_config import EncoderConfig
from trmml.training.feature_cache.cache import FeatureCache
from trmml.training.feature_cache.summary import describe_cache
from trmml.training.fit import complete_labels, fit, parameter_groups, predict_logits
from trmml.training.recipe import Recipe
from trmml.training.run_config import CacheConfig, DataConfig, RunConfig
from trmml.training.run_data import RunData, open_run_data
from trmml.training.seeded_images import SeededImages
from trmml.training.stored_features import StoredFeatures, encode_images

__all__ = [
    "CacheConfig",
    "DataConfig",
    "EncoderConfig",
    "FeatureCache",
    "Recipe",
    "RunConfig",
    "RunData",
    "SeededImages",
    "StoredFeatures",
    "complete_labels",
    "describe_cache",
    "dump_run_config",
    "encode_images",
    "fit",
    "list_run_configs",
    "load_run_config",
    "open_run_data",
    "parameter_groups",
    "predict_logits",
]
