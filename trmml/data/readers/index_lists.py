"""The text lists of SPLC, SCPNet and HSPNet: a file name, then the indices of its classes."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from trmml.data.image_table import ImageTable
from trmml.data.readers.layout import multi_hot, read_lines, require, require_rows

__all__ = ["load_index_list"]


def load_index_list(
    list_file: str | os.PathLike[str],
    images: str | os.PathLike[str],
    class_names: Sequence[str],
    *,
    unlisted: Literal["negative", "unknown"],
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read a list with one image a line: `000000480023.jpg, 0 24 26`.

    Such are `coco_train_singlelabel.txt` and its siblings of SPLC (82,081 rows), `nus_train_*.txt`
    (119,103) and `nus_val.txt` (50,720), and SCPNet's `voc_*.txt` and `cub_*.txt`. The published
    ones cannot be made again, so bring the files.

    Args:
        list_file: The list.
        images: Folder the file names are relative to.
        class_names: Names of the classes that the indices mean, from 0.
        unlisted: What a class without its index is: `"negative"` in full lists and for testing,
            `"unknown"` in single-positive and "left" lists.
        transform: Callable on a decoded image.

    Raises:
        ValueError: If a line is malformed or has an index out of range, with its number.
    """
    if unlisted not in ("negative", "unknown"):
        raise ValueError(f"`unlisted` must be negative or unknown, got {unlisted!r}.")
    path = require(Path(list_file), what="the list")
    names, positives = [], []
    for number, line in enumerate(read_lines(path), start=1):
        name, comma, indices = line.partition(",")
        parts = indices.split()
        if not comma or not all(part.isdecimal() for part in parts):
            raise ValueError(
                f"{path}: entry {number} must be a file name, a comma and class indices, got "
                f"{line!r}."
            )
        classes = [int(part) for part in parts]
        if classes and max(classes) >= len(class_names):
            raise ValueError(
                f"{path}: entry {number} names class {max(classes)}, but there are "
                f"{len(class_names)} class names, counted from 0."
            )
        names.append(name.strip())
        positives.append(classes)
    labels = multi_hot(positives, len(class_names), elsewhere=-1 if unlisted == "negative" else 0)
    require_rows(names, source=str(path))
    return ImageTable(images, names, labels, class_names, transform=transform)
