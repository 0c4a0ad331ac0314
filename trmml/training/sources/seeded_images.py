"""Images whose augmentation depends on the image and the epoch alone, not on who loads them."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor
from torch.utils.data import Dataset

from trmml.data import ImageTable

__all__ = ["SEEDED", "SeededImages"]

SEEDED: Final = ("torch", "random", "numpy.random")
"""Global generators that a transform may draw from, as the same pixels need them seeded."""


class SeededImages(Dataset[tuple[Tensor, Tensor, int]]):
    """A table's images, each augmented from a seed of its own.

    The random numbers of a transform come from the seed, the row and the number of the draw,
    whichever of the global generators of torch, Python and numpy it takes them from. So training
    sees the same pixels with any number of workers or processes, and after a resumption. A
    generator of the transform's own, such as `numpy.random.default_rng()`, is not reached.

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
    ) -> tuple[Shaped[Tensor, "3 height width"], Shaped[Tensor, " classes"], int]:
        """Return image, labels and row, in one draw of the augmentation.

        The row is another than was asked for where that one's image cannot be read.

        Args:
            item: Row, and number of the draw: the epoch, or the view of a feature cache.
        """
        image, source = self.read(*item)
        return image, self.table.labels[source].clone(), source

    def read(self, row: int, draw: int) -> tuple[Shaped[Tensor, "3 height width"], int]:
        """Return one draw of a row's image, and the row it comes from, as `ImageTable.read`."""
        with _seeded(f"{self.seed} {row} {draw}".encode()):
            return self.table.read(row)

    def __getitems__(
        self, items: Sequence[tuple[int, int]]
    ) -> list[tuple[Shaped[Tensor, "3 height width"], Shaped[Tensor, " classes"], int]]:
        """Return several draws, as loaders ask for a batch."""
        return [self[item] for item in items]


@contextmanager
def _seeded(words: bytes) -> Iterator[None]:
    """Set every generator of `SEEDED` to a state that follows from some words, then back."""
    digest = hashlib.sha256(words).digest()
    python_state, numpy_state = random.getstate(), np.random.get_state(legacy=False)
    with torch.random.fork_rng(devices=[]):
        seed = int.from_bytes(digest[:8]) >> 1
        torch.set_rng_state(torch.Generator().manual_seed(seed).get_state())
        random.setstate(random.Random(digest[8:]).getstate())
        # any words are a state of numpy's generator, and seeding one anew takes thrice as long
        state = np.frombuffer(hashlib.shake_256(digest).digest(4 * 624), dtype="<u4")
        try:
            np.random.set_state(("MT19937", state, len(state), 0, 0.0))
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
