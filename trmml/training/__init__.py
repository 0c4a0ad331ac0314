"""Training: one engine from a laptop to many GPUs."""

from trmml.training.config.encoder_config import EncoderConfig
from trmml.training.config.files import dump_run_config, list_run_configs, load_run_config
from trmml.training.config.recipe import Recipe
from trmml.training.config.run_config import CacheConfig, DataConfig, RunConfig
from trmml.training.feature_cache.cache import FeatureCache
from trmml.training.feature_cache.summary import describe_cache
from trmml.training.loop.fit import complete_labels, fit, predict_logits
from trmml.training.loop.optimization import parameter_groups
from trmml.training.loop.trainer import Trainer
from trmml.training.loop.weight_average import WeightAverage
from trmml.training.run.checkpoints import CheckpointStore, RunState
from trmml.training.run.data import RunData, open_run_data
from trmml.training.run.folder import RunFolder
from trmml.training.run.interruption import TrainingStopped
from trmml.training.run.run_training import run_training
from trmml.training.run.sweep import run_sweep
from trmml.training.sources.cached_source import CachedSource
from trmml.training.sources.image_source import ImageSource
from trmml.training.sources.loading import loader_options
from trmml.training.sources.seeded_images import SeededImages
from trmml.training.sources.source import Batch, FeatureSource, Source
from trmml.training.sources.stored_features import StoredFeatures, encode_images

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
