"""Reading the next batch while the present one is learnt from."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from trmml.models import Batch

__all__ = ["read_ahead"]


def read_ahead(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Yield the same batches, each read by a thread while the one before it is worked on.

    Where a GPU is, they wait in pinned memory, from where it copies them while it computes. What
    reading a batch raises is raised where the batch is asked for.

    Args:
        batches: Read in order, one ahead.
    """
    coming = iter(batches)

    def read() -> Batch | None:
        batch = next(coming, None)
        return _pinned(batch) if batch is not None and torch.cuda.is_available() else batch

    with ThreadPoolExecutor(1) as reader:
        next_one = reader.submit(read)
        while (batch := next_one.result()) is not None:
            next_one = reader.submit(read)
            yield batch


def _pinned(batch: Batch) -> Batch:
    return batch._replace(
        **{
            name: value.pin_memory()
            for name, value in batch._asdict().items()
            if isinstance(value, Tensor)
        }
    )
