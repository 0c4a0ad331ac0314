"""The blocks a cache is filled in: which are done, who computes which, and what they show."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from filelock import FileLock, Timeout
from jaxtyping import Int
from torch import Tensor

from trmml.atomic_write import write_atomically
from trmml.stored_files import read_json

__all__ = ["Block", "Blocks"]


class Block(NamedTuple):
    """Some images that follow each other, in one view."""

    number: int
    view: int
    start: int
    stop: int

    def __len__(self) -> int:
        """Return the number of images."""
        return self.stop - self.start


class Blocks:
    """Blocks of a cache: each is done or not, and claimed by at most one process.

    A claim is a lock of the operating system, which ends with the process whatever ends it.

    Args:
        folder: The cache's folder.
        num_views: Views of each image.
        num_images: Images in each view.
        size: Images in a block; the last one of a view may be smaller.

    Raises:
        ValueError: If the mark of a block that is done is damaged.
    """

    def __init__(self, folder: Path, num_views: int, num_images: int, size: int) -> None:
        """Number the blocks, view after view, and note which are done."""
        self.folder = folder
        places = [(view, at) for view in range(num_views) for at in range(0, num_images, size)]
        self.all = [
            Block(number, view, start, min(start + size, num_images))
            for number, (view, start) in enumerate(places)
        ]
        self._missing = self.all
        self._sources = np.full((num_views, num_images), -1, dtype=np.int64)
        self._claims: dict[Block, FileLock] = {}
        self.missing()

    def missing(self) -> list[Block]:
        """Note which blocks were done since the last look, and return the others.

        Raises:
            ValueError: If a mark is damaged.
        """
        marks = {path.name for path in (self.folder / "done").glob("*.json")}
        still_missing: list[Block] = []
        for block in self._missing:
            if self._mark(block).name in marks:
                _, sources = self.read_mark(block)
                self._sources[block.view, block.start : block.stop] = sources
            else:
                still_missing.append(block)
        self._missing = still_missing
        return still_missing

    def read_mark(self, block: Block) -> tuple[str, Int[np.ndarray, " images"]]:
        """Return the SHA-256 of a block's bytes, and the row that each image comes from.

        Raises:
            ValueError: If the mark is damaged.
        """
        path, num_images = self._mark(block), self._sources.shape[1]
        sources = np.arange(block.start, block.stop)
        try:
            mark = read_json(path, what="the mark of a block")
            for row, source in mark["replaced"].items():
                sources[int(row) - block.start] = range(num_images)[source]
            return str(mark["sha256"]), sources
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path} must tell what a block holds; it is damaged ({error!s:.200}). Delete the "
                f"folder {self.folder}."
            ) from error

    def sources(
        self, rows: Int[Tensor, " rows"] | Sequence[int], view: int
    ) -> Int[Tensor, " rows"]:
        """Return the row behind each of some rows: itself, or what replaces a broken file.

        Raises:
            IndexError: If there is no such row.
            RuntimeError: If a row is not done.
        """
        asked, last = np.asarray(rows, dtype=np.int64), self._sources.shape[1] - 1
        if ((asked < 0) | (asked > last)).any():
            raise IndexError(f"`rows` must be in 0 to {last}, got {asked.tolist()}.")
        if (self._sources[view, asked] < 0).any():
            self.missing()
        sources = self._sources[view, asked]
        if (sources < 0).any():
            raise RuntimeError(
                f"`rows` must be computed before they are read, got {asked[sources < 0].tolist()} "
                f"of view {view}, which are not; call `fill` first."
            )
        return torch.from_numpy(sources)

    def claim(self, block: Block) -> bool:
        """Lock a block against all other processes, unless one of them has it or it is done."""
        lock = self.lock(f"{block.number:06d}")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
        if self._mark(block).exists():
            lock.release()
            return False
        self._claims[block] = lock
        return True

    def finish(self, block: Block, *, sha256: str, sources: Sequence[int]) -> None:
        """Mark a block as done, once its features are safe on disk, and give its claim back.

        Args:
            block: Which one.
            sha256: Of its bytes.
            sources: Row that each image came from.
        """
        rows = range(block.start, block.stop)
        replaced = {row: source for row, source in zip(rows, sources, strict=True) if source != row}
        path = self._mark(block)
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, json.dumps({"sha256": sha256, "replaced": replaced}))
        self._claims.pop(block).release()

    def release(self) -> None:
        """Give the claims of all unfinished blocks back."""
        while self._claims:
            self._claims.popitem()[1].release()

    def lock(self, name: str) -> FileLock:
        """Return a lock that the processes of this cache share; any thread may release it."""
        path = self.folder / "claims" / f"{name}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(path, thread_local=False)

    def _mark(self, block: Block) -> Path:
        return self.folder / "done" / f"{block.number:06d}.json"
