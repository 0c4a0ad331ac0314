"""Train a method on stored features."""

from collections.abc import Callable

from trmml.labels import Labels
from trmml.models import Task
from trmml.training.config.recipe import Recipe
from trmml.training.loop.trainer import Losses, Trainer
from trmml.training.sources.source import FeatureSource
from trmml.training.sources.stored_features import StoredFeatures

__all__ = ["fit"]


def fit(
    task: Task,
    features: StoredFeatures,
    labels: Labels,
    *,
    recipe: Recipe,
    progress: Callable[[int, Losses], None] | None = None,
) -> None:
    """Train a task's model in place, from the first step to the last.

    Args:
        task: Of a fresh model.
        features: Dense features of the training images.
        labels: Known labels in {-1, 0, +1}.
        recipe: How to train.
        progress: Called after each step with the epoch, from 0, and the losses; those of what has
            to be trained before the task too.

    Raises:
        ValueError: If sizes disagree, a label is not -1, 0 or +1, or nothing is labelled.
        FloatingPointError: If a feature or a loss is not finite, with the image or the step.
    """

    def after_step(trainer: Trainer, losses: Losses) -> None:
        if progress is not None:
            progress(trainer.position.epoch, losses)

    Trainer(task, FeatureSource(features, labels), recipe=recipe).run(after_step=after_step)
