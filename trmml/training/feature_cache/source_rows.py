"""Which rows of a cache are there, and whose image each one shows."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from trmml.training.feature_cache.blocks import Blocks

__all__ = ["SourceRows"]


class SourceRows:
    """The row behind every row and view that is done: itself, or what stands in for a broken file.

    Args:
        blocks: The cache's blocks, whose marks tell.
    """

    def __init__(self, blocks: Blocks) -> None:
        """Note what is done so far."""
        self._blocks = blocks
        self._sources = np.full((blocks.num_views, blocks.num_images), -1, dtype=np.int64)
        self._known: set[int] = set()
        self.look()

    def look(self) -> None:
        """Take note of the blocks that were done since the last look.

        Raises:
            ValueError: If a mark is damaged.
        """
        for number in self._blocks.done() - self._known:
            block = self._blocks[number]
            mark = self._blocks.read_mark(block)
            self._sources[block.view, block.start : block.stop] = range(block.start, block.stop)
            for row, source in mark.replaced.items():
                self._sources[block.view, row] = source
            self._known.add(number)

    @property
    def missing(self) -> int:
        """Images that were not done at the last look, each view counted."""
        return int((self._sources < 0).sum())

    def behind(
        self, rows: Int[Tensor, " rows"] | Int[np.ndarray, " rows"] | Sequence[int], view: int
    ) -> Int[Tensor, " rows"]:
        """Return the row behind each of some rows.

        Raises:
            IndexError: If there is no such row.
            RuntimeError: If a row is not done.
        """
        asked = np.asarray(rows, dtype=np.int64)
        last = self._blocks.num_images - 1
        if ((asked < 0) | (asked > last)).any():
            raise IndexError(f"`rows` must be in 0 to {last}, got {asked.tolist()}.")
        if (self._sources[view, asked] < 0).any():
            self.look()
        sources = self._sources[view, asked]
        if (sources < 0).any():
            raise RuntimeError(
                f"`rows` must be computed before they are read, got {asked[sources < 0].tolist()} "
                f"of view {view}, which are not; call `fill` first."
            )
        return torch.from_numpy(sources)
