"""A task's look at images between the steps: each is seen by one process, and told to all."""

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.distributed import gather_rows
from trmml.models import Batch, Task

__all__ = ["dense_features", "look_at_all"]


@torch.no_grad()
def look_at_all(
    task: Task,
    batches: Iterable[Batch],
    accelerator: Any,  # noqa: ANN401 - imported only when needed
) -> Float[Tensor, "images kinds classes"]:
    """Return what a task sees in the images of all processes, in eval mode, on the CPU.

    Args:
        task: Put into eval mode.
        batches: This process's share.
        accelerator: Of the training.
    """
    task.eval()
    found = []
    for batch in batches:
        with accelerator.autocast():
            found.append(task.look(batch.to(accelerator.device)).float())
    return gather_rows(torch.cat(found)).cpu()


@torch.no_grad()
def dense_features(
    task: Task,
    batches: Iterable[Batch],
    accelerator: Any,  # noqa: ANN401
) -> Float[Tensor, "images positions dim"]:
    """Return the dense features of the images of all processes, encoded where they are pixels.

    Args:
        task: With the encoder.
        batches: This process's share.
        accelerator: Of the training.
    """
    dense = []
    for batch in batches:
        inputs, _, grid, *_ = batch.to(accelerator.device)
        with accelerator.autocast():
            dense.append(inputs if grid else task.model.image_encoder.encode_dense(inputs)[0])
    return gather_rows(torch.cat(dense))
