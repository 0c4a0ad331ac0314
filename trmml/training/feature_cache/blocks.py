"""The blocks a cache is filled in: which are done, who computes which, and what they show."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from trmml.atomic_write import write_atomically
from trmml.extras import install_line
from trmml.stored_files import read_json

__all__ = ["Block", "Blocks", "SourceRows", "lock_file"]


class Block(NamedTuple):
    """Some images that follow each other, in one view."""

    number: int
    view: int
    start: int
    stop: int

    def __len__(self) -> int:
        """Return the number of images."""
        return self.stop - self.start


class Mark(NamedTuple):
    """What is known of a block that is done.

    Attributes:
        sha256: Of the block's bytes.
        replaced: Row that stands in, by the row whose file is broken.
    """

    sha256: str
    replaced: dict[int, int]


@dataclass(frozen=True)
class Blocks:
    """Blocks of a cache: each is done or not, and claimed by at most one process.

    A claim is a lock of the operating system, which ends with the process whatever ends it.

    Attributes:
        folder: The cache's folder.
        num_views: Views of each image.
        num_images: Images in each view.
        size: Images in a block; the last one of a view may be smaller.
    """

    folder: Path
    num_views: int
    num_images: int
    size: int

    def __len__(self) -> int:
        """Return the number of blocks."""
        return self.num_views * self._per_view

    def __getitem__(self, number: int) -> Block:
        """Return a block; a view's blocks follow each other, view after view."""
        view, place = divmod(range(len(self))[number], self._per_view)
        start = place * self.size
        return Block(number, view, start, min(start + self.size, self.num_images))

    @property
    def _per_view(self) -> int:
        return -(-self.num_images // self.size)

    def done(self) -> set[int]:
        """Return the numbers of the blocks whose features are safe on disk.

        Raises:
            ValueError: If there is a mark of no block.
        """
        names = [path.stem for path in (self.folder / "done").glob("*.json")]
        numbers = {int(name) if name.isdecimal() else -1 for name in names}
        if not all(number in range(len(self)) for number in numbers):
            raise ValueError(
                f"{self.folder / 'done'} must hold marks of {len(self)} blocks alone, got others; "
                f"delete the folder {self.folder}."
            )
        return numbers

    def read_mark(self, block: Block) -> Mark:
        """Return what is known of a block that is done.

        Raises:
            ValueError: If the mark is damaged.
        """
        path = self._mark(block)
        try:
            content = read_json(path, what="the mark of a block")
            replaced = {int(row): int(source) for row, source in content["replaced"].items()}
            if not all(row in range(block.start, block.stop) for row in replaced):
                raise ValueError("rows of another block")
            if not all(source in range(self.num_images) for source in replaced.values()):
                raise ValueError("rows of no image")
            return Mark(str(content["sha256"]), replaced)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path} must tell what a block holds; it is damaged ({error!s:.200}). Delete the "
                f"folder {self.folder}."
            ) from error

    def finish(self, block: Block, *, sha256: str, sources: Sequence[int]) -> None:
        """Mark a block as done, once its features are safe on disk.

        Args:
            block: Which one.
            sha256: Of its bytes.
            sources: Row that each image came from.
        """
        rows = range(block.start, block.stop)
        replaced = {row: source for row, source in zip(rows, sources, strict=True) if source != row}
        path = self._mark(block)
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, json.dumps({"sha256": sha256, "replaced": replaced}).encode())
        with suppress(OSError):  # who waits for it finds the mark
            self._lock(block).unlink()

    def claim(self, block: Block) -> Any | None:  # noqa: ANN401 - a lock of filelock
        """Lock a block against all other processes, or return None where one has it or it is done.

        Returns:
            A lock to `release()`; it ends with the process as well, however that ends.
        """
        lock = lock_file(self._lock(block))
        try:
            lock.acquire(blocking=False)
        except TimeoutError:
            return None
        if self._mark(block).exists():
            lock.release()
            return None
        return lock

    def _mark(self, block: Block) -> Path:
        return self.folder / "done" / f"{block.number:06d}.json"

    def _lock(self, block: Block) -> Path:
        return self.folder / "claims" / f"{block.number:06d}.lock"


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


def lock_file(path: Path) -> Any:  # noqa: ANN401 - a lock of filelock
    """Make a lock that processes share, in a folder that is made if absent.

    Raises:
        ModuleNotFoundError: If filelock is not installed.
    """
    try:
        from filelock import FileLock
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"A feature cache needs filelock: {install_line('train')}"
        ) from None
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)
