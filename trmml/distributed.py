"""Rows and means over several processes, as one process with all of the rows would have them.

With W processes, each step's batch lies in W blocks, in the order of the ranks. Every process
calls the functions here at the same points, forwards and backwards, and all then compute the same
loss, that of the whole batch. `DistributedDataParallel` averages the gradients, which gives the
gradient of the mean of the processes' losses; these being equal, it is that of the one loss. So
nothing has to be multiplied by W anywhere, and every process logs the loss that one alone would.
"""

from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch import distributed as dist

__all__ = ["gather_rows", "mean_over_processes", "world_size"]


def world_size() -> int:
    """Return how many processes `torch.distributed` joins; 1 where it has not been started."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def gather_rows(tensor: Shaped[Tensor, "rows ..."]) -> Shaped[Tensor, "all_rows ..."]:
    """Return the rows of every process, in the order of the ranks.

    Differentiable: a row's gradient is the sum of what all processes make of it. So all of them
    have to go backwards through it, and `tensor` must require a gradient on all or on none.

    Args:
        tensor: Any dtype, on the device of the process group; processes may have different numbers
            of rows, also none.

    Returns:
        All rows; with one process, `tensor` itself.

    Examples:
        >>> gather_rows(torch.tensor([[1, -1], [0, 1]]))
        tensor([[ 1, -1],
                [ 0,  1]])
    """
    return tensor if world_size() == 1 else _apply(_GatherRows, tensor)


def mean_over_processes(means: Float[Tensor, "*shape"], *, rows: int) -> Float[Tensor, "*shape"]:
    """Return the means over the rows of all processes, from those over each process's own.

    Differentiable, and like `gather_rows` a matter of all processes.

    Args:
        means: Means over this process's rows; 0 where it has none.
        rows: How many rows this process has.

    Returns:
        Means over all rows, 0 if there are none; with one process, `means` itself.

    Examples:
        >>> mean_over_processes(torch.tensor([0.5, 2.0]), rows=4)
        tensor([0.5000, 2.0000])
    """
    if world_size() == 1:
        return means
    sums = torch.cat([rows * means.flatten(), means.new_tensor([rows])])
    total = _apply(_SumOverProcesses, sums)
    return (total[:-1] / total[-1].clamp_min(1)).reshape(means.shape)


@torch.compiler.disable()  # a collective would end a graph in any case
def _apply(function: type[torch.autograd.Function], tensor: Tensor) -> Tensor:
    return function.apply(tensor)


class _SumOverProcesses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:  # noqa: ANN401, ARG004
        total = tensor.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ANN401, ARG004
        return _SumOverProcesses.apply(*gradients)


class _GatherRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:  # noqa: ANN401
        ctx.counts = _row_counts(tensor)
        return _gather(tensor, ctx.counts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ANN401
        return _SumOverProcesses.apply(*gradients).split(ctx.counts)[dist.get_rank()]


def _row_counts(tensor: Tensor) -> list[int]:
    """Return the number of rows of every process."""
    own = torch.tensor([len(tensor)], device=tensor.device)
    counts = [torch.empty_like(own) for _ in range(world_size())]
    dist.all_gather(counts, own)
    return torch.cat(counts).tolist()


def _gather(tensor: Tensor, counts: list[int]) -> Tensor:
    """Gather rows padded to the longest process, as collectives want equal sizes."""
    if max(counts) == 0:
        return tensor.clone()
    padded = tensor.new_zeros(max(counts), *tensor.shape[1:])
    padded[: len(tensor)] = tensor
    sent = padded.flatten().view(torch.uint8)  # bytes, because backends differ in the dtypes known
    received = [torch.empty_like(sent) for _ in counts]
    dist.all_gather(received, sent)
    parts = [part.view(tensor.dtype).view_as(padded) for part in received]
    return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])
