"""Training: one engine from a laptop to many GPUs."""

from trmml.training.checkpoints import CheckpointStore, RunState
from trmml.training.config_files import dump_run_config, list_run_configs, load_run_config
from trmml.training.encoder_config import EncoderConfig
from trmml.training.feature_cache.cache import FeatureCache
from trmml.training.feature_cache.summary import describe_cache
from trmml.training.fit import complete_labels, fit, predict_logits
from trmml.training.image_source import ImageSource
from trmml.training.interruption import TrainingStopped
from trmml.training.loading import loader_options
from trmml.training.optimization import parameter_groups
from trmml.training.recipe import Recipe
from trmml.training.run import run_training
from trmml.training.run_config import CacheConfig, DataConfig, RunConfig
from trmml.training.run_data import RunData, open_run_data
from trmml.training.run_folder import RunFolder
from trmml.training.run_sources import CachedSource
from trmml.training.run_sweep import run_sweep
from trmml.training.seeded_images import SeededImages
from trmml.training.sources import Batch, FeatureSource, Source
from trmml.training.stored_features import StoredFeatures, encode_images
from trmml.training.trainer import Trainer
from trmml.training.weight_average import WeightAverage

__all__ = [
    "Batch",
    "CacheConfig",
    "CachedSource",
    "CheckpointStore",
    "DataConfig",
    "EncoderConfig",
    "FeatureCache",
    "FeatureSource",
    "ImageSource",
    "Recipe",
    "RunConfig",
    "RunData",
    "RunFolder",
    "RunState",
    "SeededImages",
    "Source",
    "StoredFeatures",
    "Trainer",
    "TrainingStopped",
    "WeightAverage",
    "complete_labels",
    "describe_cache",
    "dump_run_config",
    "encode_images",
    "fit",
    "list_run_configs",
    "load_run_config",
    "loader_options",
    "open_run_data",
    "parameter_groups",
    "predict_logits",
    "run_sweep",
    "run_training",
]
