"""Images whose augmentation depends on the image and the epoch alone, not on who loads them."""

import hashlib
from collections.abc import Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.utils.data import Dataset

from trmml.data import ImageTable

__all__ = ["SeededImages"]


class SeededImages(Dataset[tuple[Tensor, Tensor]]):
    """A table's images, each augmented from a seed of its own.

    The random numbers of a transform come from the seed, the row and the number of the draw. So
    training sees the same pixels with any number of workers or processes, and after a resumption.

    Args:
        table: Images with a transform to tensors of one size.
        seed: Of all draws.
    """

    def __init__(self, table: ImageTable, *, seed: int) -> None:
        """Keep the table; nothing is read yet."""
        self.table, self.seed = table, seed

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.table)

    def __getitem__(
        self, item: tuple[int, int]
    ) -> tuple[Float[Tensor, "3 height width"], Shaped[Tensor, " classes"]]:
        """Return image and labels of a row, in one draw of the augmentation.

        Args:
            item: Row, and number of the draw: the epoch, or the view of a feature cache.
        """
        image, source = self.read(*item)
        return image, self.table.labels[source].clone()

    def read(self, row: int, draw: int) -> tuple[Float[Tensor, "3 height width"], int]:
        """Return one draw of a row's image, and the row it comes from, as `ImageTable.read`."""
        words = f"{self.seed} {row} {draw}".encode()
        seed = int.from_bytes(hashlib.sha256(words).digest()[:8]) >> 1
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(torch.Generator().manual_seed(seed).get_state())
            return self.table.read(row)

    def __getitems__(
        self, items: Sequence[tuple[int, int]]
    ) -> list[tuple[Float[Tensor, "3 height width"], Shaped[Tensor, " classes"]]]:
        """Return several draws, as loaders ask for a batch."""
        return [self[item] for item in items]
