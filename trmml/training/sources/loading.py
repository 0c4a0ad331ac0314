"""How a data loader should be set for the machine it runs on."""

import os
from typing import Any

import torch

__all__ = ["free_workers", "loader_options"]

MOST_WORKERS = 16
BATCHES_AHEAD = 4


def loader_options(
    *, num_images: int, batch_size: int, num_processes: int = 1, num_workers: int | None = None
) -> dict[str, Any]:
    """Return the keyword arguments of a `DataLoader` that decodes images.

    One process of each rank trains; the other cores decode. Workers outlive an epoch, so that
    none begins with their start, and batches wait in pinned memory only where a GPU will copy them
    from there while it computes.

    Args:
        num_images: Images of an epoch; there are never more workers than batches.
        batch_size: Images per batch and process.
        num_processes: Training processes on this machine, which share its cores.
        num_workers: Decoding processes per training process; None takes the free cores, at most
            16, and 0 decodes in the training process itself.

    Raises:
        ValueError: If a size is below 1, or `num_workers` below 0.

    Examples:
        >>> loader_options(num_images=100, batch_size=4, num_workers=0)["num_workers"]
        0
    """
    sizes = {"num_images": num_images, "batch_size": batch_size, "num_processes": num_processes}
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"`{name}` must be at least 1, got {size}.")
    if num_workers is None:
        num_workers = min(free_workers(num_processes), -(-num_images // batch_size))
    elif num_workers < 0:
        raise ValueError(f"`num_workers` must be at least 0 or None, got {num_workers}.")
    options: dict[str, Any] = {
        "num_workers": max(num_workers, 0),
        "pin_memory": torch.cuda.is_available(),
    }
    if options["num_workers"] > 0:
        options |= {"persistent_workers": True, "prefetch_factor": BATCHES_AHEAD}
    return options


def free_workers(num_processes: int | None = None) -> int:
    """Return how many processes may decode for each of the processes that train, at most 16.

    Args:
        num_processes: Training processes on this machine; None asks the launcher.
    """
    if num_processes is None:
        num_processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(min(_usable_cores() // num_processes - 1, MOST_WORKERS), 0)


def _usable_cores() -> int:
    """Count the cores this process may run on, fewer than the machine's in a container."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
