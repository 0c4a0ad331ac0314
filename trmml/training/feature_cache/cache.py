"""Features of a frozen image tower on disk: computed once, read in every epoch."""

import json
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from jaxtyping import Float16, Int
from torch import Tensor

from trmml.atomic_write import write_atomically
from trmml.encoders.protocol import EncoderPair
from trmml.training.feature_cache.blocks import Blocks
from trmml.training.feature_cache.card import card_key, make_card
from trmml.training.feature_cache.feature_file import FeatureFile
from trmml.training.feature_cache.filling import fill_blocks
from trmml.training.sources.seeded_images import SeededImages

__all__ = ["FeatureCache"]


class FeatureCache:
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
        card: What the cache is made from, as `card.json` in its folder tells.
        key: SHA-256 of the card.
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
        self.num_views, self.images = num_views, images
        self._encoder = encoders.image
        self._card_text = json.dumps(self.card, indent=2, ensure_ascii=False).encode()
        shape = (num_views, len(images), self.grid[0] * self.grid[1], encoders.image.dim)
        self._file = FeatureFile(self.folder / "features.bin", shape)
        self._blocks = Blocks(self.folder, num_views, len(images), block_images)
        self._check_folder()

    @property
    def bytes_needed(self) -> int:
        """Size of the features in bytes: views x images x positions x dim x 2."""
        return self._file.size

    @property
    def images_missing(self) -> int:
        """Images that are still to be computed, each view counted."""
        return sum(len(block) for block in self._blocks.missing())

    def fill(
        self,
        *,
        num_workers: int = 0,
        batch_size: int = 32,
        progress: Callable[[int], object] = lambda _: None,
        should_stop: Callable[[], bool] = lambda: False,
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
        """
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be at least 1, got {batch_size}.")
        if self.images_missing:
            self._prepare()
        filling = fill_blocks(
            self._encoder,
            self.images,
            tuple(self.card["resolution"]),
            self._blocks,
            self._file,
            num_workers=num_workers,
            batch_size=batch_size,
        )
        with closing(filling):  # at once, whatever ends the loop
            for done in filling:
                if done:
                    progress(done)
                if should_stop():
                    break
        return self.images_missing == 0

    def read(
        self, rows: Int[Tensor, " rows"] | Sequence[int], draw: int
    ) -> Float16[Tensor, "rows positions dim"]:
        """Return features of some rows, in half precision; `TRMML.match` takes them as they are.

        Args:
            rows: Row numbers.
            draw: Number of the draw, such as the epoch; the view is `draw % num_views`.

        Raises:
            IndexError: If there is no such row.
            RuntimeError: If a row has not been computed; call `fill` first.
        """
        self.source_rows(rows, draw)
        return self._file.read(draw % self.num_views, [int(row) for row in rows])

    def source_rows(
        self, rows: Int[Tensor, " rows"] | Sequence[int], draw: int
    ) -> Int[Tensor, " rows"]:
        """Return the rows whose images, and so whose labels, the features of some rows are of.

        They are the same rows, but for broken files that the table replaces.

        Raises:
            IndexError, RuntimeError: As `read`.
        """
        return self._blocks.sources(rows, draw % self.num_views)

    def verify(self) -> None:
        """Compare every feature that is done with the checksum taken when it was computed.

        Raises:
            ValueError: If the file was changed since.
        """
        missing = {*self._blocks.missing()}
        for block in self._blocks.all:
            if block in missing:
                continue
            sha256, _ = self._blocks.read_mark(block)
            if self._file.checksum(block.view, block.start, block.stop) != sha256:
                raise ValueError(
                    f"{self._file.path} must hold what was computed, but rows {block.start} to "
                    f"{block.stop - 1} of view {block.view} were changed; delete the folder "
                    f"{self.folder}."
                )

    def _check_folder(self) -> None:
        """Refuse a folder whose card or features are not what their place says."""
        card, begun = self.folder / "card.json", len(self._blocks.missing()) < len(self._blocks.all)
        if self._file.path.exists() or begun:
            self._file.check()
        elif not card.exists():
            return
        if not card.exists() or card.read_bytes() != self._card_text:
            raise ValueError(
                f"{card} must be the card that its folder is named after; it is damaged or "
                f"missing. Delete the folder {self.folder}."
            )

    def _prepare(self) -> None:
        """Make the folder and set the disk's space aside, unless another process did."""
        with self._blocks.lock("making"):
            if not self._file.path.exists():
                write_atomically(self.folder / "card.json", self._card_text)
                self._file.allocate()
