"""Training: one engine from a laptop to many GPUs."""

from trmml.training.config.data_config import DataConfig
from trmml.training.config.encoder_config import EncoderConfig
from trmml.training.config.files import dump_run_config, list_run_configs, load_run_config
from trmml.training.config.recipe import Recipe
from trmml.training.config.run_config import CacheConfig, RunConfig
from trmml.training.feature_cache.cache import FeatureCache
from trmml.training.feature_cache.cached_source import CachedSource
from trmml.training.loop.fit import fit
from trmml.training.loop.optimization import parameter_groups
from trmml.training.loop.state import RunState
from trmml.training.loop.trainer import Losses, Trainer
from trmml.training.loop.weight_average import WeightAverage
from trmml.training.run.checkpoints import CheckpointStore
from trmml.training.run.comparison import run_comparison
from trmml.training.run.comparison_cells import Contestant
from trmml.training.run.data import RunData, open_run_data
from trmml.training.run.folder import RunFolder
from trmml.training.run.interruption import TrainingStopped
from trmml.training.run.report_page import write_report_page
from trmml.training.run.run_training import run_training
from trmml.training.run.sweep import run_sweep
from trmml.training.sources.caption_source import CaptionSource, encode_captions
from trmml.training.sources.image_source import ImageSource
from trmml.training.sources.loading import loader_options
from trmml.training.sources.scoring import complete_stored_labels, predict_logits, score_source
from trmml.training.sources.seeded_images import SeededImages
from trmml.training.sources.source import FeatureSource, TrainingSource
from trmml.training.sources.stored_features import StoredFeatures, encode_images

__all__ = [
    "CacheConfig",
    "CachedSource",
    "CaptionSource",
    "CheckpointStore",
    "Contestant",
    "DataConfig",
    "EncoderConfig",
    "FeatureCache",
    "FeatureSource",
    "ImageSource",
    "Losses",
    "Recipe",
    "RunConfig",
    "RunData",
    "RunFolder",
    "RunState",
    "SeededImages",
    "StoredFeatures",
    "Trainer",
    "TrainingSource",
    "TrainingStopped",
    "WeightAverage",
    "complete_stored_labels",
    "dump_run_config",
    "encode_captions",
    "encode_images",
    "fit",
    "list_run_configs",
    "load_run_config",
    "loader_options",
    "open_run_data",
    "parameter_groups",
    "predict_logits",
    "run_comparison",
    "run_sweep",
    "run_training",
    "score_source",
    "write_report_page",
]
