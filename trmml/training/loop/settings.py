"""What has to be the same for a training to go on."""

from typing import Any

from trmml.labels import Labels
from trmml.models import Task
from trmml.training.config.recipe import Recipe
from trmml.training.sources.source import labels_checksum

__all__ = ["training_settings"]


def training_settings(task: Task, recipe: Recipe, labels: Labels) -> dict[str, Any]:
    """Return what has to be the same for a training to go on to the same weights."""
    return {
        **task.settings(),
        "recipe": recipe.settings(),
        "images": len(labels),
        "labels": labels_checksum(labels),
    }
