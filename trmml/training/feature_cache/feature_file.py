"""Half-precision features of every view and image in one memory-mapped file."""

import errno
import hashlib
import mmap
import os
import shutil
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float16
from torch import Tensor

__all__ = ["FeatureFile", "readable_size"]

_DTYPE = np.dtype("<f2")


class FeatureFile:
    """An array [views images positions dim] of little-endian half-precision numbers on disk.

    Written through the file, so that a full disk is an error that can be handled, and read through
    a memory map, which all processes of a machine share.

    Args:
        path: The file.
        shape: Views, images, positions, dim.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int, int]) -> None:
        """Note where the file is; nothing is opened."""
        self.path, self.shape = path, shape
        self._mapped: tuple[mmap.mmap, np.ndarray] | None = None

    def __getstate__(self) -> dict[str, object]:
        """Leave the memory map behind on the way to another process."""
        return {**self.__dict__, "_mapped": None}

    @property
    def size(self) -> int:
        """Size of the whole file in bytes."""
        return prod(self.shape) * _DTYPE.itemsize

    @property
    def size_missing(self) -> int:
        """Bytes that the disk has not set aside for the file yet."""
        path = self.path if self.path.exists() else self._partial
        if not path.exists():
            return self.size
        # A sparse file owns fewer blocks than its size says. Windows does not tell.
        owned = getattr(path.stat(), "st_blocks", self.size) * 512
        return max(self.size - owned, 0)

    def check(self) -> None:
        """Refuse a file of another size.

        Raises:
            ValueError: If the file is missing, truncated or too long.
        """
        found = self.path.stat().st_size if self.path.exists() else None
        if found != self.size:
            state = "is missing" if found is None else f"has {found}"
            raise ValueError(
                f"{self.path} must have {self.size} bytes, but {state}; it is damaged. Delete the "
                f"folder {self.path.parent}."
            )

    def check_room(self) -> None:
        """Refuse a disk that does not hold what is still missing.

        Raises:
            OSError: With `errno.ENOSPC`, if it does not fit.
        """
        free = free_bytes(self.path)
        if self.size_missing > free:
            raise self._no_room(free)

    def allocate(self) -> None:
        """Make the file in its full size, with every byte set aside where the system can.

        Raises:
            OSError: If the disk does not hold it; what was set aside is given back.
        """
        partial = self._partial
        partial.unlink(missing_ok=True)
        self.check_room()
        try:
            with partial.open("wb") as file:
                _set_aside(file.fileno(), self.size)
                os.fsync(file.fileno())
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise self._explained(error) from error
        partial.replace(self.path)

    def write(self, view: int, start: int, features: Float16[Tensor, "rows positions dim"]) -> str:
        """Write features of images that follow each other, and wait until the disk has them.

        Returns:
            SHA-256 of the bytes.

        Raises:
            OSError: If the disk is full after all.
        """
        content = np.ascontiguousarray(features.numpy(), dtype=_DTYPE)
        try:
            with self.path.open("r+b") as file:
                file.seek(self._offset(view, start))
                file.write(content.data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._explained(error) from error
        return hashlib.sha256(content.data).hexdigest()

    def read(
        self, view: int, rows: Sequence[int] | np.ndarray
    ) -> Float[Tensor, "rows positions dim"]:
        """Return a copy of some images' features in one view, in half precision."""
        memory, array = self._map()
        if hasattr(mmap, "MADV_WILLNEED"):
            # All rows are asked for before the first is waited for.
            for row in rows:
                start = self._offset(view, int(row))
                length = self._offset(0, 1) + start % mmap.PAGESIZE
                memory.madvise(mmap.MADV_WILLNEED, start - start % mmap.PAGESIZE, length)
        return torch.from_numpy(array[view, np.asarray(rows, dtype=np.int64)])

    def checksum(self, view: int, start: int, stop: int) -> str:
        """Return the SHA-256 of the bytes of images that follow each other."""
        return hashlib.sha256(self._map()[1][view, start:stop].data).hexdigest()

    def _map(self) -> tuple[mmap.mmap, np.ndarray]:
        if self._mapped is None:
            with self.path.open("rb") as file:
                memory = mmap.mmap(file.fileno(), self.size, access=mmap.ACCESS_READ)
            self._mapped = memory, np.frombuffer(memory, dtype=_DTYPE).reshape(self.shape)
        return self._mapped

    @property
    def _partial(self) -> Path:
        return self.path.with_name(f"{self.path.name}.partial")

    def _offset(self, view: int, row: int) -> int:
        _, images, positions, dim = self.shape
        return (view * images + row) * positions * dim * _DTYPE.itemsize

    def _explained(self, error: OSError) -> OSError:
        full = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
        return self._no_room(free_bytes(self.path)) if error.errno in full else error

    def _no_room(self, free: int) -> OSError:
        views, images, positions, dim = self.shape
        return OSError(
            errno.ENOSPC,
            f"The disk must have room for the features of {images} images in {views} views, "
            f"{positions} positions of {dim} half-precision numbers each: "
            f"{readable_size(self.size)}, of which {readable_size(self.size_missing)} are missing, "
            f"got {readable_size(free)} free at {self.path.parent}; use fewer views, smaller "
            "images, or a folder on another disk.",
        )


def free_bytes(path: Path) -> int:
    """Return what is free on the disk of a path, which need not exist yet."""
    existing = next(folder for folder in path.absolute().parents if folder.exists())
    return shutil.disk_usage(existing).free


def readable_size(count: int) -> str:
    """Write a number of bytes as people do.

    Examples:
        >>> readable_size(16_602_173_440)
        '16.6 GB'
    """
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} bytes"


def _set_aside(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            # Some file systems cannot; their files grow as they are written.
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
    os.ftruncate(descriptor, size)
