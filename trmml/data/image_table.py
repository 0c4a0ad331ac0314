"""The one dataset every reader returns: image files, their labels, and the classes' names."""

import copy
import logging
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor
from torch.utils.data import Dataset

from trmml.choices import check_choice
from trmml.class_names import check_distinct
from trmml.data.images import BrokenImageError, decode_image
from trmml.labels import check_labels

__all__ = ["BrokenPolicy", "ImageTable"]

BrokenPolicy = Literal["error", "skip", "replace"]

_LOGGER = logging.getLogger(__name__)
_CONSEQUENCE = {"skip": "left out of its batch", "replace": "another image takes its place"}
_SETTINGS = ("labels", "class_names", "transform", "broken", "min_side", "notes")


class ImageTable(Dataset[tuple[Any, Tensor]]):
    """Images with a label in {-1, 0, +1} for every class, as `(image, labels)` pairs.

    Nothing is read before it is asked for. The labels of all rows are in `labels`, so that hiding,
    counting and splitting never touch an image.

    Attributes:
        root: Folder that the names are relative to.
        names: File name of each row.
        labels: int8, +1 positive, -1 negative, 0 unknown, [rows classes].
        class_names: Name of each column.
        transform: What is done to each decoded image, or None.
        broken: What happens to a file that cannot be decoded, see `__init__`.
        min_side: Smallest side that JPEGs may be decoded to, see `decode_image`.
        notes: What its reader noticed that may be meant, and may be a mistake.

    Examples:
        >>> from trmml.data import hide_labels
        >>> full = torch.tensor([[1, -1], [-1, 1], [1, 1]])
        >>> table = ImageTable("photos", ["a.jpg", "b.jpg", "c.jpg"], full, ["cat", "dog"])
        >>> table.replace(labels=hide_labels(full, keep=0.5)).select([0, 2])
        ImageTable(2 images, 2 classes, 25.0% of the labels known, 1 positive, root='photos')
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        names: Sequence[str],
        labels: Shaped[Tensor, "rows classes"] | Shaped[np.ndarray, "rows classes"],
        class_names: Sequence[str],
        *,
        transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
        broken: BrokenPolicy = "error",
        min_side: int | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        """Describe the dataset; no file is opened.

        Args:
            root: Folder that the names are relative to.
            names: One file name a row.
            labels: Their labels, -1, 0 or +1.
            class_names: One name a class.
            transform: Callable on a decoded image, for example a torchvision pipeline.
            broken: What a file that cannot be decoded does. `"error"` raises. `"skip"` leaves it
                out of its batch, which becomes smaller. `"replace"` puts the next readable row in
                its place, image and labels, for training loops that need full batches. Both keep
                count across worker processes: see `broken_files`.
            min_side: If given, JPEGs are decoded at a fraction of their size, see `decode_image`.
            notes: What its reader noticed that may be meant, and may be a mistake; a sentence each.

        Raises:
            ValueError: If the sizes do not fit, labels have another coding, or names repeat.
        """
        self.root = Path(root)
        self.names = list(names)
        self.labels = _as_int8(labels)
        self.class_names = tuple(class_names)
        self.transform = transform
        self.broken: BrokenPolicy = broken
        self.min_side = min_side
        self.notes = tuple(notes)
        self._check()
        self._is_broken = self._all_readable()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.names)

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def paths(self) -> list[Path]:
        """The file of each row."""
        return [self.root / name for name in self.names]

    def __getitem__(self, row: int) -> tuple[Any, Int[Tensor, " classes"]]:
        """Return image and labels of one row.

        Raises:
            BrokenImageError: If the file cannot be decoded, unless `broken="replace"`.
            IndexError: If there is no such row.
        """
        image, source = self.read(row)
        return image, self.labels[source].clone()

    def read(self, row: int) -> tuple[Any, int]:
        """Return the image of one row, and the row that it comes from: another if it was replaced.

        Raises:
            BrokenImageError: If the file cannot be decoded, unless `broken="replace"`.
            IndexError: If there is no such row.
        """
        row = range(len(self))[row]
        try:
            return self._load(row), row
        except BrokenImageError as error:
            self._note(row, error)
            if self.broken != "replace":
                raise
        return self._next_readable(row)

    def _next_readable(self, row: int) -> tuple[Any, int]:
        for step in range(1, len(self)):
            source = (row + step) % len(self)
            try:
                return self._load(source), source
            except BrokenImageError:
                continue
        raise ValueError(f"Not one of the {len(self)} images in {self.root} can be decoded.")

    def __getitems__(self, rows: list[int]) -> list[tuple[Any, Int[Tensor, " classes"]]]:
        """Return several rows, as loaders ask for a batch; with `"skip"`, the readable ones.

        A batch of which nothing is readable gets the next readable row, so that no loader ever
        meets an empty one.

        Raises:
            BrokenImageError: If a file cannot be decoded and `broken="error"`.
            ValueError: If no image at all can be decoded.
        """
        if self.broken != "skip":
            return [self[row] for row in rows]
        readable = []
        for row in rows:
            try:
                readable.append(self[row])
            except BrokenImageError:
                continue
        if readable or not rows:
            return readable
        image, source = self._next_readable(rows[-1])
        return [(image, self.labels[source].clone())]

    def broken_files(self) -> list[BrokenImageError]:
        """Return what was skipped or replaced so far, each with its reason, in row order."""
        found = []
        for row in self._is_broken.nonzero().flatten().tolist():
            try:
                decode_image(self.root / self.names[row], min_side=self.min_side)
            except BrokenImageError as error:
                found.append(error)
            else:
                path = self.root / self.names[row]
                found.append(BrokenImageError(path, "was unreadable before, is readable now"))
        return found

    def mark_broken(self, row: int) -> None:
        """Count a row among the `broken_files`, for whoever reads the images in another way."""
        self._is_broken[row] = True

    def replace(self, **changes: Any) -> "ImageTable":  # noqa: ANN401
        """Return a copy with other settings, named as in `__init__`; root and names stay.

        Raises:
            ValueError: As `__init__`.
            TypeError: If a name is none of these.
        """
        unknown = sorted(set(changes) - set(_SETTINGS))
        if unknown:
            raise TypeError(f"`replace` takes {', '.join(_SETTINGS)}, got {', '.join(unknown)}.")
        settings = {name: changes.get(name, getattr(self, name)) for name in _SETTINGS}
        return ImageTable(self.root, self.names, **settings)

    def select(self, rows: Sequence[int] | Shaped[Tensor, " rows"] | np.ndarray) -> "ImageTable":
        """Return a copy with some of the rows, in the order given.

        Args:
            rows: Row numbers, or a boolean mask over all rows.
        """
        chosen = torch.as_tensor(rows)
        chosen = chosen.nonzero().flatten() if chosen.dtype == torch.bool else chosen.long()
        part = copy.copy(self)
        part.names = [self.names[row] for row in chosen.tolist()]
        part.labels = self.labels[chosen]
        part._is_broken = part._all_readable()
        return part

    def __repr__(self) -> str:
        """Summarise: rows, classes, and how much is known."""
        share = float((self.labels != 0).float().mean()) if self.labels.numel() else 0.0
        return (
            f"ImageTable({len(self)} images, {self.num_classes} classes, {share:.1%} of the labels "
            f"known, {int((self.labels > 0).sum())} positive, root={str(self.root)!r})"
        )

    def _load(self, row: int) -> Any:  # noqa: ANN401 - whatever the transform makes
        image = decode_image(self.root / self.names[row], min_side=self.min_side)
        return image if self.transform is None else self.transform(image)

    def _note(self, row: int, error: BrokenImageError) -> None:
        """Count a broken file, and say so the first time that this process meets it."""
        if not self._is_broken[row] and self.broken != "error":
            _LOGGER.warning("%s; %s", error, _CONSEQUENCE[self.broken])
        self._is_broken[row] = True

    def _all_readable(self) -> Bool[Tensor, " rows"]:
        flags = torch.zeros(len(self.names), dtype=torch.bool)
        # Shared, so that what worker processes find is known in the main one.
        return flags if self.broken == "error" else flags.share_memory_()

    def _check(self) -> None:
        shape = (len(self.names), len(self.class_names))
        if tuple(self.labels.shape) != shape:
            raise ValueError(
                f"`labels` must be of shape {list(shape)}, one row for each name and one column "
                f"for each class, got {list(self.labels.shape)}."
            )
        if len(set(self.names)) < len(self.names):
            first = Counter(self.names).most_common(1)[0][0]
            raise ValueError(f"`names` must be distinct, got {first!r} more than once.")
        check_distinct(self.class_names)
        check_choice(self.broken, BrokenPolicy, argument="broken")


def _as_int8(labels: Shaped[Tensor, "..."] | Shaped[np.ndarray, "..."]) -> Tensor:
    labels = torch.as_tensor(labels)
    check_labels(labels)
    return labels.to("cpu", torch.int8)
