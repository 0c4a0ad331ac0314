"""Logits of every row of a source, each computed by one of the processes."""

import torch
from jaxtyping import Float
from torch import Tensor

from trmml.distributed import gather_rows
from trmml.models import TRMML
from trmml.training.sources.source import Source

__all__ = ["score_source"]


@torch.no_grad()
def score_source(
    model: TRMML, source: Source, *, batch_size: int = 64, process: tuple[int, int] = (0, 1)
) -> Float[Tensor, "rows classes"]:
    """Return the logits of all rows, in order, on the CPU.

    Args:
        model: In eval mode.
        source: What to score, with a transform that draws nothing.
        batch_size: Rows at a time.
        process: Number of this process, and how many there are; all have to call this.
    """
    index, count = process
    device = model.log_temperature.device
    rows = torch.arange(len(source.labels)).tensor_split(count)[index]
    logits = [torch.zeros(0, len(model.class_names), device=device)]
    for inputs, _, grid in source.batches(rows.split(batch_size) if len(rows) else [], epoch=0):
        inputs = inputs.to(device, non_blocking=True)
        output = model.match(inputs, grid) if grid else model(inputs)
        logits.append(output.logits.float())
    return gather_rows(torch.cat(logits)).cpu()
