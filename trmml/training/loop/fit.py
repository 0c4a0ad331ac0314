"""Train a model on stored features, in two stages."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.labels import Labels
from trmml.models import TRMML, TRMMLLosses
from trmml.training.config.recipe import Recipe
from trmml.training.loop.trainer import Trainer
from trmml.training.sources.source import FeatureSource
from trmml.training.sources.stored_features import StoredFeatures

__all__ = ["complete_labels", "fit", "predict_logits"]


def fit(
    model: TRMML,
    features: StoredFeatures,
    labels: Labels,
    *,
    recipe: Recipe,
    progress: Callable[[int, TRMMLLosses], None] | None = None,
) -> None:
    """Train `model` in place: calibrate, warm up, begin the second stage, finish.

    Args:
        model: A fresh model.
        features: Dense features of the training images.
        labels: Known labels in {-1, 0, +1}.
        recipe: How to train.
        progress: Called after each step with the epoch, from 0, and the losses.

    Raises:
        ValueError: If sizes disagree, a label is not -1, 0 or +1, or nothing is labelled.
        FloatingPointError: If a feature or a loss is not finite, with the image or the step.
    """

    def after_step(trainer: Trainer, losses: TRMMLLosses) -> None:
        if progress is not None:
            progress(trainer.position.epoch, losses)

    Trainer(model, FeatureSource(features, labels), recipe=recipe).run(after_step=after_step)


@torch.no_grad()
def predict_logits(
    model: TRMML, features: StoredFeatures, *, batch_size: int = 256
) -> Float[Tensor, "images classes"]:
    """Return the logits of every image, in order."""
    model.eval()
    rows = range(0, len(features), batch_size)
    parts = [model.match(features.dense[i : i + batch_size], features.grid).logits for i in rows]
    return torch.cat(parts)


@torch.no_grad()
def complete_labels(
    model: TRMML, features: StoredFeatures, labels: Labels, *, batch_size: int = 256
) -> Labels:
    """Return the labels of every image as the trained model completes them."""
    model.eval()
    parts = []
    for i in range(0, len(features), batch_size):
        output = model.match(features.dense[i : i + batch_size], features.grid)
        parts.append(model.complete(output, labels[i : i + batch_size]))
    return torch.cat(parts)
