"""Features of a frozen image tower on disk: computed once, read in every epoch."""

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Shaped
from torch import Tensor
from torch.utils.data import Dataset

from trmml.encoders.protocol import EncoderPair, ImageEncoder
from trmml.training.feature_cache.blocks import Blocks, SourceRows, lock_file
from trmml.training.feature_cache.card import (
    CARD,
    card_key,
    make_card,
    read_card,
    summarize,
    write_card,
)
from trmml.training.feature_cache.feature_file import FeatureFile, free_bytes, readable_size
from trmml.training.feature_cache.filling import fill_blocks
from trmml.training.sources.seeded_images import SeededImages

__all__ = ["FeatureCache"]

_LOGGER = logging.getLogger(__name__)


class FeatureCache(Dataset[tuple[Tensor, Tensor]]):
    """Dense features of every image in one or several draws of its augmentation, kept on disk.

    They lie in a folder of their own, whose name is a checksum of all that they depend on: the
    image tower and its weights, the transform, its seed and resolution, the images' names, sizes
    and times of change, the number of views. With any of these another, the cache is another one.
    Labels are not kept: they come from the table at hand.

    Any number of processes may fill and read one cache at once, and each may end at any moment.

    Args:
        directory: Folder of all caches; made when the first one is filled.
        encoders: Towers, of which the image tower is frozen.
        images: Images and the augmentation's seed.
        num_views: Draws of the augmentation for each image; 1 is right where nothing is random.
        block_images: Images that are computed together and lost together if the process ends.

    Attributes:
        key: SHA-256 of the card, which tells what the cache is made from.
        folder: Where this cache lies.
        grid: Height and width of the grid of positions.
        num_views: Draws of each image.

    Raises:
        ValueError: If the cache on disk is damaged, the image tower learns, the transform cannot be
            told from others, or the table skips broken files, whose rows would be missing.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        encoders: EncoderPair,
        images: SeededImages,
        *,
        num_views: int = 1,
        block_images: int = 128,
    ) -> None:
        """Find the cache's place and see what is there; nothing is written."""
        for name, value in (("num_views", num_views), ("block_images", block_images)):
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1, got {value}.")
        if len(images) == 0:
            raise ValueError("`images` must hold at least one image, got none.")
        if images.table.broken == "skip":
            raise ValueError(
                "`images` must keep its rows: `broken` must be 'error' or 'replace' for a cache, "
                "got 'skip'; use `table.replace(broken='replace')`."
            )
        self.card = make_card(encoders, images, num_views=num_views, block_images=block_images)
        self.key = card_key(self.card)
        self.folder = Path(directory) / self.key
        self.grid: tuple[int, int] = tuple(self.card["grid"])
        self._resolution: tuple[int, int] = tuple(self.card["resolution"])
        self.num_views, self.images = num_views, images
        self._encoder: ImageEncoder | None = encoders.image
        shape = (num_views, len(images), self.grid[0] * self.grid[1], encoders.image.dim)
        self._file = FeatureFile(self.folder / "features.bin", shape)
        self._blocks = Blocks(self.folder, num_views, len(images), block_images)
        self._check_folder()
        self._sources = SourceRows(self._blocks)

    def __getstate__(self) -> dict[str, object]:
        """Leave the tower behind on the way to a loader's worker, which only reads."""
        return {**self.__dict__, "_encoder": None}

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    @property
    def bytes_needed(self) -> int:
        """Size of the features in bytes: views x images x positions x dim x 2."""
        return self._file.size

    @property
    def bytes_missing(self) -> int:
        """Bytes that the disk must still give."""
        return self._file.size_missing

    @property
    def images_missing(self) -> int:
        """Images that are still to be computed, each view counted."""
        self._sources.look()
        return self._sources.missing

    def fill(
        self,
        *,
        num_workers: int = 0,
        batch_size: int = 32,
        progress: Callable[[int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> bool:
        """Compute what is missing, and wait for what other processes compute.

        Call it in every process that trains: they share the work.

        Args:
            num_workers: Processes that decode and augment.
            batch_size: Images encoded at once.
            progress: Called with the number of images done since it was called last, here or
                elsewhere; `images_missing` in all.
            should_stop: Asked after each batch; True ends the filling, to be taken up later.

        Returns:
            Whether the cache is complete.

        Raises:
            OSError: If the disk does not hold what is missing; what is done is kept.
            FloatingPointError: If a feature does not fit half precision.
            BrokenImageError: If a file cannot be decoded, unless the table replaces it.
            ModuleNotFoundError: If filelock is not installed.
        """
        if self._encoder is None:
            raise ValueError("`fill` must be called where the cache was opened, got a copy of it.")
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be at least 1, got {batch_size}.")
        if self.images_missing:
            self._prepare()
        return fill_blocks(
            self._encoder,
            self.images,
            self._resolution,
            self._blocks,
            self._file,
            num_workers=num_workers,
            batch_size=batch_size,
            progress=progress or (lambda _: None),
            should_stop=should_stop or (lambda: False),
        )

    def read(
        self, rows: Int[Tensor, " rows"] | Sequence[int], draw: int
    ) -> Float[Tensor, "rows positions dim"]:
        """Return features of some rows, in half precision; `TRMML.match` takes them as they are.

        Args:
            rows: Row numbers.
            draw: Number of the draw, such as the epoch; the view is `draw % num_views`.

        Raises:
            IndexError: If there is no such row.
            RuntimeError: If a row has not been computed; call `fill` first.
        """
        sources = self.source_rows(rows, draw)
        return self._file.read(draw % self.num_views, np.asarray(rows).reshape(len(sources)))

    def source_rows(
        self, rows: Int[Tensor, " rows"] | Sequence[int], draw: int
    ) -> Int[Tensor, " rows"]:
        """Return the rows whose images, and so whose labels, the features of some rows are of.

        They are the same rows, but for broken files that the table replaces.

        Raises:
            IndexError, RuntimeError: As `read`.
        """
        return self._sources.behind(rows, draw % self.num_views)

    def __getitem__(
        self, item: tuple[int, int]
    ) -> tuple[Float[Tensor, "positions dim"], Shaped[Tensor, " classes"]]:
        """Return features and labels of a row, as `SeededImages` returns image and labels.

        Args:
            item: Row, and number of the draw.
        """
        return self.__getitems__([item])[0]

    def __getitems__(
        self, items: Sequence[tuple[int, int]]
    ) -> list[tuple[Float[Tensor, "positions dim"], Shaped[Tensor, " classes"]]]:
        """Return several rows, as loaders ask for a batch."""
        labels, found = self.images.table.labels, []
        for row, draw in items:
            features, source = self.read([row], draw)[0], self.source_rows([row], draw)
            found.append((features, labels[source[0]].clone()))
        return found

    def verify(self) -> None:
        """Compare every feature that is done with the checksum taken when it was computed.

        Raises:
            ValueError: If the file was changed since.
        """
        for number in sorted(self._blocks.done()):
            block = self._blocks[number]
            found = self._file.checksum(block.view, block.start, block.stop)
            if found != self._blocks.read_mark(block).sha256:
                raise ValueError(
                    f"{self._file.path} must hold what was computed, but rows {block.start} to "
                    f"{block.stop - 1} of view {block.view} were changed; delete the folder "
                    f"{self.folder}."
                )

    def describe(self) -> str:
        """Tell a person what the cache holds and what it is made from."""
        done = self.num_views * len(self) - self.images_missing
        return summarize(self.folder, self.card, images_done=done)

    def _check_folder(self) -> None:
        if (self.folder / CARD).exists():
            read_card(self.folder)
        elif self._file.path.exists():
            raise ValueError(f"{self.folder / CARD} is missing; delete the folder {self.folder}.")
        if self._file.path.exists() or self._blocks.done():
            self._file.check()

    def _prepare(self) -> None:
        """Make the folder and set the disk's space aside, unless another process did."""
        _LOGGER.info(
            "The features of %d images in %d views take %s, of which %s are missing; %s are free "
            "at %s",
            *(len(self), self.num_views, readable_size(self.bytes_needed)),
            *(readable_size(self.bytes_missing), readable_size(free_bytes(self._file.path))),
            self.folder.parent,
        )
        self._file.check_room()
        with lock_file(self.folder / "claims" / "making.lock"):
            if not (self.folder / CARD).exists():
                write_card(self.folder, self.card)
            if not self._file.path.exists():
                self._file.allocate()  # checks again: others may have taken the room
