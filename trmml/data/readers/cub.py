"""CUB-200-2011: bird photographs with 312 attributes as labels."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np

from trmml.choices import check_choice
from trmml.data.file_names import resolve_names
from trmml.data.image_table import ImageTable
from trmml.data.readers.dataset_files import read_lines, require, require_rows
from trmml.data.readers.reader import OfficialCounts, Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions

__all__ = ["READER", "attribute_phrases", "load_cub"]

CubSplit = Literal["train", "test"]

_KINDS = ("shape", "color", "pattern", "length", "size")


def load_cub(
    root: str | os.PathLike[str],
    split: CubSplit,
    *,
    class_names: Sequence[str] | None = None,
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read CUB-200-2011 with an attribute a class, as the single-positive benchmarks do.

    5,994 images in train and 5,794 in test, in the order of `images.txt`. An attribute is
    positive where `is_present` is 1; how certain the annotator was is ignored, as in the peers.

    Args:
        root: The folder `CUB_200_2011`; `attributes.txt` may lie in it, in its `attributes`, or
            beside it.
        split: "train" or "test".
        class_names: Names to use instead of `attribute_phrases`, by ascending attribute id.
        transform: Callable on a decoded image.

    Raises:
        ValueError: If a file is missing or malformed.
    """
    root = Path(root)
    check_choice(split, CubSplit, argument="split")
    files = dict(_pairs(require(root / "images.txt", what="CUB's list of images")))
    trained = dict(_pairs(require(root / "train_test_split.txt", what="CUB's split")))
    chosen = [image for image in files if trained.get(image) == ("1" if split == "train" else "0")]
    attributes = _pairs(
        require(
            root / "attributes" / "attributes.txt",
            root / "attributes.txt",
            root.parent / "attributes.txt",
            root.resolve().parent / "attributes.txt",  # `.` has no other parent
            what="the list of attributes",
        )
    )
    row = {image: index for index, image in enumerate(chosen)}
    column = {attribute: index for index, (attribute, _) in enumerate(attributes)}
    labels = np.full((len(chosen), len(attributes)), -1, dtype=np.int8)
    path = require(root / "attributes" / "image_attribute_labels.txt", what="the attribute labels")
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            # Some lines of the public file have surplus columns: only the first three are used.
            image, attribute, present, *_ = [*line.split(), "", "", ""]
            if image not in files or attribute not in column or present not in ("0", "1"):
                raise ValueError(f"{path}: line {number} is no known image, attribute and 0 or 1.")
            if present == "1" and image in row:
                labels[row[image], column[attribute]] = 1
    names = resolve_names([files[image] for image in chosen], root / "images")
    require_rows(names, source=str(root / "images.txt"))
    phrases = class_names or attribute_phrases([name for _, name in attributes])
    return ImageTable(root / "images", names, labels, phrases, transform=transform)


def attribute_phrases(attributes: Sequence[str]) -> list[str]:
    """Turn CUB's attribute names into short phrases for a prompt.

    Examples:
        >>> attribute_phrases(["has_bill_shape::curved_(up_or_down)", "has_wing_color::blue"])
        ['curved bill', 'blue wing']
    """
    parts = [re.fullmatch(r"has_(.+?)::(.+)", attribute) for attribute in attributes]
    phrases = []
    for attribute, match in zip(attributes, parts, strict=True):
        if match is None:
            raise ValueError(
                f"`attributes` must look like has_wing_color::blue, got {attribute!r}."
            )
        words = match[1].split("_")
        if len(words) > 1 and words[-1] in _KINDS and words[0] != "primary":
            words = words[:-1]
        value = re.sub(r"_*\(.*\)", "", match[2]).replace("_", " ").strip()
        repeats = value.split()[-1:] == words[-1:]
        phrases.append(value if repeats else f"{value} {' '.join(words)}")
    repeated = Counter(phrases)
    return [
        phrase if repeated[phrase] == 1 or match is None else f"{phrase} {match[1].split('_')[-1]}"
        for phrase, match in zip(phrases, parts, strict=True)
    ]


def _pairs(path: Path) -> list[tuple[str, str]]:
    pairs = []
    for line in read_lines(path):
        key, value, *_ = [*line.split(maxsplit=1), ""]
        if not value:
            raise ValueError(f"{path}: a line must be a number and a value, got {line!r}.")
        pairs.append((key, value))
    return pairs


def _find(path: Path, _images: Path, _reading: ReadingOptions) -> Splits:
    if not (path / "train_test_split.txt").is_file():
        return {}
    return {f"cub/{split}": partial(load_cub, path, split) for split in get_args(CubSplit)}


READER: Final = Reader(
    _find,
    "train_test_split.txt (CUB)",
    {"cub/train": OfficialCounts(5_994, 312), "cub/test": OfficialCounts(5_794, 312)},
)
"""CUB-200-2011; numbers of rows are those the peers state."""
