"""Images read from files while training goes on."""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from jaxtyping import Int, Shaped
from torch import Tensor
from torch.utils.data import DataLoader, default_collate

from trmml.data import ImageTable
from trmml.data.late_normalisation import without_normalisation
from trmml.models import Batch
from trmml.training.sources.loading import loader_options
from trmml.training.sources.seeded_images import SeededImages
from trmml.training.sources.source import name_files

__all__ = ["ImageSource"]


class ImageSource:
    """A table's images, decoded and augmented by worker processes.

    What an image looks like depends on seed, row and epoch alone; see `SeededImages`.

    Args:
        table: Images with a transform to normalised tensors of one size.
        seed: Of the augmentation.
        image_size: Height and width that the transform gives.
        num_workers: Processes that decode; 0 does it in this one, None takes the free cores.
        finished: Whether batches come normalised. Else those of a pipeline that ends in it, as
            `build_transform` gives, are 8-bit pixels, which `Batch.to` normalises where it sends
            them. Between processes they are 8-bit in any case.

    Raises:
        ValueError: If the table leaves broken images out, which would shift the rows of a batch.
    """

    def __init__(
        self,
        table: ImageTable,
        *,
        seed: int,
        image_size: tuple[int, int],
        num_workers: int | None = 0,
        finished: bool = True,
    ) -> None:
        """Keep the table; nothing is read yet."""
        if table.broken == "skip":
            raise ValueError(
                "`table` must have `broken` 'replace' or 'error' to be trained on, got 'skip'; "
                'use `table.replace(broken="replace")`.'
            )
        pixels, self._finish = without_normalisation(table)
        self.images, self._finished = SeededImages(pixels, seed=seed), finished
        self.labels = table.labels
        no_rows = torch.zeros(0, dtype=torch.long)
        kind = torch.float32 if self._finish is None else torch.uint8
        nothing = [torch.zeros(0, 3, *image_size, dtype=kind), self.labels[:0], no_rows]
        self._items: list[list[tuple[int, int]]] = []
        self._loader = DataLoader(
            self.images,
            batch_sampler=self._items,  # filled for each epoch: the workers outlive it
            # Not a method: workers do not hear the end of a loader that is part of a cycle.
            collate_fn=partial(_stacked, nothing=nothing),
            **loader_options(num_images=len(table), batch_size=1, num_workers=num_workers),
        )

    def batches(self, parts: Sequence[Int[Tensor, " _"]], *, epoch: int) -> Iterator[Batch]:
        """Yield one batch for each set of rows, augmented for the epoch.

        Raises:
            BrokenImageError: If a file cannot be decoded and the table says "error".
            ChildProcessError: If a worker process dies.
        """
        self._items[:] = [[(row, epoch) for row in rows.tolist()] for rows in parts]
        try:
            for images, labels, rows in self._loader:
                batch = Batch(images, labels, rows=rows, finish=self._finish)
                yield batch.to(images.device) if self._finished else batch
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise ChildProcessError(
                f"a process that reads images died ({error}); it may have run out of memory: use "
                "fewer `workers`, or 0 to read in the main process."
            ) from error

    def describe(self, rows: Int[Tensor, " rows"]) -> str:
        """Name rows by their files."""
        return name_files(self.images.table, rows)


def _stacked(
    items: list[tuple[Shaped[Tensor, "3 height width"], Shaped[Tensor, " classes"], int]],
    *,
    nothing: list[Tensor],
) -> list[Tensor]:
    # A process may have no image of a small last step, and still has to take part in it.
    return default_collate(items) if items else nothing
