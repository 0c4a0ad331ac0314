"""The text lists of SPLC, SCPNet and HSPNet: a file name, then the indices of its classes."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from trmml.choices import check_choice
from trmml.data.class_names import COCO_NAMES, NUS_WIDE_NAMES, VOC_NAMES
from trmml.data.file_names import resolve_names
from trmml.data.image_table import ImageTable
from trmml.data.readers.dataset_files import multi_hot, read_lines, require, require_rows
from trmml.data.readers.reader import Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions

__all__ = ["READER", "load_index_list"]

UnlistedMeaning = Literal["negative", "unknown"]

_CLASSES = {"coco": COCO_NAMES, "nus": NUS_WIDE_NAMES, "voc": VOC_NAMES}


def load_index_list(
    list_file: str | os.PathLike[str],
    images: str | os.PathLike[str],
    class_names: Sequence[str],
    *,
    unlisted: UnlistedMeaning,
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
    check_choice(unlisted, UnlistedMeaning, argument="unlisted")
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
    names = resolve_names(names, images)
    return ImageTable(images, names, labels, class_names, transform=transform)


def _find(path: Path, images: Path, reading: ReadingOptions) -> Splits:
    if path.suffix.lower() != ".txt" or not path.is_file():
        return {}
    return {path.name: partial(_load_by_name, path, images, **reading.given())}


def _load_by_name(
    path: Path, images: Path, *, unlisted: UnlistedMeaning | None = None
) -> ImageTable:
    prefix, _, rest = path.stem.partition("_")
    if prefix not in _CLASSES:
        raise ValueError(
            f"{path}: a list of class indices must be named {'_*, '.join(_CLASSES)}_*, "
            "which says what its indices mean; read others with `trmml.data.load_index_list`."
        )
    full = rest.endswith("full") or "val" in rest
    unlisted = unlisted or ("negative" if full else "unknown")
    return load_index_list(path, images, _CLASSES[prefix], unlisted=unlisted)


READER: Final = Reader(_find, options=frozenset({"unlisted"}))
"""A list as it is published: its name says whose classes it means, and whether it is complete."""
