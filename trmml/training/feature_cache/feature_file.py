"""Half-precision features of every view and image in one file."""

import errno
import hashlib
import os
import shutil
from collections.abc import Sequence
from math import prod
from pathlib import Path

import torch
from jaxtyping import Float16
from torch import Tensor

from trmml.atomic_write import atomic_write_binary

__all__ = ["FeatureFile"]

ITEM_SIZE = torch.half.itemsize


class FeatureFile:
    """An array [views images positions dim] of half-precision numbers on disk.

    Args:
        path: The file.
        shape: Views, images, positions, dim.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int, int]) -> None:
        """Note where the file is; nothing is opened."""
        self.path, self.shape = path, shape

    @property
    def size(self) -> int:
        """Size of the whole file in bytes."""
        return prod(self.shape) * ITEM_SIZE

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

    def allocate(self) -> None:
        """Make the file in its full size, with every byte set aside where the system can.

        Raises:
            OSError: If the disk does not hold it; what was set aside is given back.
        """
        with atomic_write_binary(self.path) as file:
            self._check_room()
            try:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, self.size)
            except OSError as error:
                # Some file systems cannot; their files grow as they are written.
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                    raise
            file.truncate(self.size)

    def write(self, view: int, start: int, features: Float16[Tensor, "rows positions dim"]) -> str:
        """Write features of images that follow each other, and wait until the disk has them.

        Returns:
            SHA-256 of the bytes.

        Raises:
            OSError: If the disk is full after all.
        """
        content = features.contiguous().numpy().data
        try:
            with self.path.open("r+b") as file:
                file.seek(self._offset(view, start))
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            error.filename = str(self.path)  # a full disk names none
            raise
        return hashlib.sha256(content).hexdigest()

    def read(self, view: int, rows: Sequence[int]) -> Float16[Tensor, "rows positions dim"]:
        """Return some images' features in one view.

        Raises:
            ValueError: If the file was truncated since it was opened.
        """
        features = torch.empty(len(rows), *self.shape[2:], dtype=torch.half)
        offsets = [self._offset(view, row) for row in rows]
        with self.path.open("rb") as file:
            if hasattr(os, "posix_fadvise"):
                # All rows are asked for before the first is waited for.
                for offset in offsets:
                    length, advice = self._offset(0, 1), os.POSIX_FADV_WILLNEED
                    os.posix_fadvise(file.fileno(), offset, length, advice)
            for offset, image in zip(offsets, features.numpy(), strict=True):
                file.seek(offset)
                if file.readinto(image) < image.nbytes:
                    self.check()
        return features

    def checksum(self, view: int, start: int, stop: int) -> str:
        """Return the SHA-256 of the bytes of images that follow each other."""
        return hashlib.sha256(self.read(view, range(start, stop)).numpy().data).hexdigest()

    def _offset(self, view: int, row: int) -> int:
        _, images, positions, dim = self.shape
        return (view * images + row) * positions * dim * ITEM_SIZE

    def _check_room(self) -> None:
        free, (views, images, positions, dim) = shutil.disk_usage(self.path.parent).free, self.shape
        if self.size > free:
            raise OSError(
                errno.ENOSPC,
                f"The disk must have room for the features of {images} images in {views} views, "
                f"{positions} positions of {dim} half-precision numbers each: {self.size:,} bytes, "
                f"got {free:,} free at {self.path.parent}; use fewer views, smaller images, or a "
                "folder on another disk.",
            )
