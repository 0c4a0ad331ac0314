"""A batch as a step takes it: on the device, and where that pays, as features already."""

from typing import Any

import torch
from torch import nn

from trmml.functional.checks import check_labels_on_cpu
from trmml.models import Batch, Task
from trmml.training.config.recipe import Recipe

__all__ = ["sent_batch"]


@torch.no_grad()
def sent_batch(
    batch: Batch,
    task: Task,
    accelerator: Any,  # noqa: ANN401 - imported only when needed
    recipe: Recipe,
) -> Batch:
    """Return a batch on the accelerator's device.

    A compiled step on a CPU gets the frozen tower's features in the place of images: compiled
    convolutions take several times as long there as those of the processor's library.

    Args:
        batch: This process's part.
        task: With the image tower.
        accelerator: Of the training.
        recipe: Says whether the step is compiled.

    Raises:
        ValueError: If a label is not -1, 0 or +1.
    """
    check_labels_on_cpu(batch.labels)
    sent = batch.to(accelerator.device)
    encoder = task.model.image_encoder
    if not recipe.compile or sent.grid is not None or sent.inputs.device.type != "cpu":
        return sent
    if isinstance(encoder, nn.Module) and any(one.requires_grad for one in encoder.parameters()):
        return sent
    with accelerator.autocast():
        dense, grid = task.dense(sent)
    return sent._replace(inputs=dense, grid=grid)
