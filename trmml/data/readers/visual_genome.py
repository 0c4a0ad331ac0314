"""Visual Genome with its 200 most frequent categories: HCP's files, or made from `objects.json`."""

import os
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from trmml.data.file_names import resolve_names
from trmml.data.image_table import ImageTable
from trmml.data.readers.dataset_files import (
    multi_hot,
    read_json,
    read_lines,
    require,
    require_rows,
)
from trmml.data.readers.reader import OfficialCounts, Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions

__all__ = ["READER", "FrequentCategories", "frequent_categories", "load_vg"]

_FOLDERS = ("VG_100K", "VG_100K_2")
_LABELS = "vg_category_200_labels_index.json"


class FrequentCategories(NamedTuple):
    """The most frequent categories of Visual Genome and where they occur.

    Attributes:
        class_names: By falling number of objects; equal numbers in alphabetical order.
        counts: Objects of each.
        labels: Image file name to indices of its categories; every image of the file is there.
    """

    class_names: list[str]
    counts: list[int]
    labels: dict[str, list[int]]


def load_vg(
    images: str | os.PathLike[str],
    list_file: str | os.PathLike[str],
    labels: str | os.PathLike[str] | dict[str, list[int]],
    class_names: str | os.PathLike[str] | Sequence[str],
    *,
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read VG-200: HCP's label file and list, with the names that HCP does not publish.

    HCP's indices have no public names, so bring a file with one name a line in the order of the
    indices, or make all of it from `objects.json` with `frequent_categories`; the two index
    orders differ.

    Args:
        images: One folder of all images, or the folder that holds `VG_100K` and `VG_100K_2`.
        list_file: `train_list_500.txt` or `test_list_500.txt`: one file name a line.
        labels: `vg_category_200_labels_index.json`, or such a mapping of file name to indices.
        class_names: A file with one name a line, or the names.
        transform: Callable on a decoded image.

    Raises:
        ValueError: If a file is missing, an image of the list has no entry, or an index no name.
    """
    images = Path(images)
    path = require(Path(list_file), what="the list of images")
    names = read_lines(path)
    index = labels if isinstance(labels, dict) else read_json(require(Path(labels), what="labels"))
    if isinstance(class_names, str | os.PathLike):
        class_names = read_lines(require(Path(class_names), what="the class names"))
    if not isinstance(index, dict) or not all(isinstance(x, list) for x in index.values()):
        raise ValueError(f"{labels}: must map each file name to a list of class indices.")
    absent = [name for name in names if name not in index]
    if absent:
        raise ValueError(f"{path}: {len(absent)} images have no labels, first {absent[0]}.")
    highest = max((max(index[name], default=-1) for name in names), default=-1)
    if highest >= len(class_names):
        raise ValueError(
            f"`class_names` must name class {highest}, counted from 0, got {len(class_names)}."
        )
    table = multi_hot([index[name] for name in names], len(class_names))
    files = resolve_names(_located(images, names), images)
    require_rows(files, source=str(path))
    return ImageTable(images, files, table, class_names, transform=transform)


def frequent_categories(
    objects: str | os.PathLike[str], num_classes: int = 200
) -> FrequentCategories:
    """Count Visual Genome's object names and keep the most frequent: VG-200 from public files.

    Every string of each object's `names` counts, in lower case. The result is no copy of HCP's
    file: its order of equal or edited names is not public. The whole file is held in memory.

    Args:
        objects: The public `objects.json`.
        num_classes: How many to keep.

    Raises:
        ValueError: If the file is missing or malformed, or has fewer names.
    """
    path = require(Path(objects), what="Visual Genome's object file")
    try:
        found = [
            (f"{image['image_id']}.jpg", [name.strip().lower() for name in _object_names(image)])
            for image in read_json(path)
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: must be a list of images with `image_id` and `objects`, got something else "
            f"at {error}."
        ) from None
    counts = Counter(name for _, names in found for name in names)
    best = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:num_classes]
    if len(best) < num_classes:
        raise ValueError(f"{path}: has {len(best)} names, fewer than {num_classes}.")
    column = {name: index for index, (name, _) in enumerate(best)}
    labels = {
        file: sorted({column[name] for name in names if name in column}) for file, names in found
    }
    return FrequentCategories([name for name, _ in best], [count for _, count in best], labels)


def _object_names(image: dict[str, Any]) -> list[str]:
    return [name for item in image["objects"] for name in item["names"]]


def _located(images: Path, names: list[str]) -> list[str]:
    folders = [folder for folder in _FOLDERS if (images / folder).is_dir()]
    there = {
        entry.name: f"{folder}/{entry.name}"
        for folder in folders
        for entry in os.scandir(images / folder)
    }
    return [there.get(name, name) for name in names]


def _find(path: Path, images: Path, _reading: ReadingOptions) -> Splits:
    labels, names = path / _LABELS, path / "class_names.txt"
    return {
        f"vg200/{split}": partial(load_vg, images, file, labels, names)
        for split in ("train", "test")
        if (file := path / f"{split}_list_500.txt").is_file()
    }


READER: Final = Reader(
    _find,
    f"{_LABELS} (VG-200)",
    {"vg200/train": OfficialCounts(98_249, 200), "vg200/test": OfficialCounts(10_000, 200)},
)
"""VG-200 in HCP's files; numbers of rows are from the literature alone."""
