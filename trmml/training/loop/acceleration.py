"""The engine underneath: Hugging Face Accelerate, set up for this library's models."""

import gc
import os
import warnings
from datetime import timedelta
from typing import Any, Final

from torch import nn

from trmml.extras import install_line
from trmml.training.config.recipe import Recipe

__all__ = ["build_accelerator", "end_processes", "prepare_step"]

# Only for meeting at the start: later one process may work for long while the others wait for it.
MEETING_SECONDS: Final = 45


def build_accelerator(recipe: Recipe) -> Any:  # noqa: ANN401 - imported only when needed
    """Return an `accelerate.Accelerator` for a recipe: precision, and how processes meet.

    Raises:
        ModuleNotFoundError: If accelerate is not installed.
        ValueError: If the recipe asks for fp16 where there is no GPU.
        TimeoutError: If there should be several processes, and not all have come.
    """
    import torch

    try:
        from accelerate import Accelerator, DistributedDataParallelKwargs
        from accelerate.state import AcceleratorState
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"training needs accelerate; {install_line('train')}", name=error.name
        ) from error

    if recipe.mixed_precision == "fp16" and not torch.cuda.is_available():
        raise ValueError("`mixed_precision` = 'fp16' needs a GPU, got none; use 'bf16' or 'no'.")
    _meet()
    # Accelerate keeps one precision for the whole process; a second training may want another.
    AcceleratorState._reset_state()
    # Buffers are equal in all processes: bank and thresholds learn from the gathered batch.
    settings = DistributedDataParallelKwargs(broadcast_buffers=False)
    # Without `cpu`, Accelerate takes several processes on CPUs for so many lonely ones.
    return Accelerator(
        mixed_precision=recipe.mixed_precision,
        cpu=not torch.accelerator.is_available(),
        kwargs_handlers=[settings],
    )


def prepare_step(accelerator: Any, step: nn.Module) -> Any:  # noqa: ANN401
    """Wrap a training step for the accelerator's device, precision and processes."""
    with warnings.catch_warnings():
        # torch 2.15 prefers a name that older ones, and Accelerate, do not know yet.
        warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
        return accelerator.prepare_model(step)


def end_processes() -> None:
    """Leave the other processes, if there are any, when nothing more is to be done with them.

    Gloo's threads need Python to let go of tensors. Where they outlive it, they now and then abort
    a process that has done its work.
    """
    from torch import distributed as dist

    if dist.is_available() and dist.is_initialized():
        gc.collect()  # a wrapped model keeps the threads, and refers to itself
        dist.destroy_process_group()


def _meet() -> None:
    """Join the processes that a launcher announces, or say soon that one of them is not there."""
    from torch import distributed as dist
    from torch.distributed.rendezvous import rendezvous

    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        return
    try:
        meeting = rendezvous("env://", timeout=timedelta(seconds=MEETING_SECONDS))
        store, rank, size = next(meeting)
    except RuntimeError as error:
        raise TimeoutError(
            f"process {os.environ.get('RANK')} of {os.environ['WORLD_SIZE']} waited "
            f"{MEETING_SECONDS} s for the others, and not all have come; one has ended, and says "
            "why itself, or was never started."
        ) from error
    dist.init_process_group(store=store, rank=rank, world_size=size)
