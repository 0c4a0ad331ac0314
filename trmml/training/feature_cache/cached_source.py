"""Features read from a cache on disk while training goes on."""

from collections.abc import Iterator, Sequence

from jaxtyping import Int
from torch import Tensor

from trmml.models import Batch
from trmml.training.feature_cache.cache import FeatureCache
from trmml.training.sources.read_ahead import read_ahead
from trmml.training.sources.source import name_files

__all__ = ["CachedSource"]


class CachedSource:
    """Dense features from a filled cache; an epoch sees one of the views.

    Args:
        cache: Filled.
    """

    def __init__(self, cache: FeatureCache) -> None:
        """Keep the cache."""
        self.cache, self.labels = cache, cache.images.table.labels

    def batches(self, parts: Sequence[Int[Tensor, " _"]], *, epoch: int) -> Iterator[Batch]:
        """Yield one batch for each set of rows, in the epoch's view, read one ahead."""
        return read_ahead(self._read(parts, epoch))

    def _read(self, parts: Sequence[Int[Tensor, " _"]], epoch: int) -> Iterator[Batch]:
        for rows in parts:
            # A broken file's place may be taken by another row's image, and so by its labels.
            shown = self.cache.source_rows(rows, epoch)
            dense = self.cache.read(rows, epoch)
            yield Batch(dense, self.labels[shown], self.cache.grid, rows=shown)

    def describe(self, rows: Int[Tensor, " rows"]) -> str:
        """Name rows by their files."""
        return name_files(self.cache.images.table, rows)
