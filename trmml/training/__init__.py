"""Training on features computed once."""

from trmml.training.fit import complete_labels, fit, parameter_groups, predict_logits
from trmml.training.recipe import Recipe
from trmml.training.stored_features import StoredFeatures, encode_images

__all__ = [
    "Recipe",
    "StoredFeatures",
    "complete_labels",
    "encode_images",
    "fit",
    "parameter_groups",
    "predict_logits",
]
