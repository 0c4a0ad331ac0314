"""Open Images: labels that people verified as present or absent, all others truly unknown."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from trmml.data.image_table import ImageTable
from trmml.data.readers.dataset_files import read_csv_rows, require_rows
from trmml.data.readers.reader import Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions

__all__ = ["READER", "load_open_images"]

_LABELS = "-annotations-human-imagelabels.csv"


def load_open_images(
    labels: str | os.PathLike[str],
    class_descriptions: str | os.PathLike[str],
    images: str | os.PathLike[str],
    *,
    class_names: Sequence[str] | None = None,
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read Open Images' human-verified labels, or any table in that form.

    A confidence of 1 is a verified positive, 0 a verified negative, and what is not listed is
    unknown. Where people disagree about one pair, it is unknown too.

    Args:
        labels: A table with the columns `ImageID`, `LabelName` and `Confidence` among others, such
            as `oidv6-train-annotations-human-imagelabels.csv`.
        class_descriptions: A table of label name and speakable name, with or without a first line
            of column names.
        images: Folder with `<ImageID>.jpg`.
        class_names: Speakable names to read, in this order; by default those that occur in
            `labels`, in the order of `class_descriptions`.
        transform: Callable on a decoded image.

    Returns:
        Images with at least one label of these classes, in their order of first occurrence.

    Raises:
        ValueError: If a file is missing, a column is missing, a confidence is no 0 or 1, or a
            class is unknown.
    """
    speakable = {
        row[0]: row[1]
        for row in read_csv_rows(Path(class_descriptions))
        if len(row) > 1 and row[0] != "LabelName"
    }
    wanted = None
    if class_names is not None:
        unknown = sorted(set(class_names) - set(speakable.values()))
        if unknown:
            raise ValueError(f"{class_descriptions}: there is no class {unknown[0]!r}.")
        wanted = set(class_names)
    found = _verified(Path(labels), speakable, wanted)
    if class_names is None:
        occurring = {name for _, name in found}
        class_names = [name for name in dict.fromkeys(speakable.values()) if name in occurring]
    column = {name: index for index, name in enumerate(class_names)}
    row = {image: index for index, image in enumerate(dict.fromkeys(image for image, _ in found))}
    table = np.zeros((len(row), len(column)), dtype=np.int8)
    for (image, name), label in found.items():
        table[row[image], column[name]] = label
    files = [f"{image}.jpg" for image in row]
    require_rows(files, source=str(labels))
    return ImageTable(images, files, table, class_names, transform=transform)


def _verified(
    path: Path, speakable: dict[str, str], wanted: set[str] | None
) -> dict[tuple[str, str], int]:
    rows = read_csv_rows(path)
    header = next(rows, [])
    columns = ("ImageID", "LabelName", "Confidence")
    absent = [name for name in columns if name not in header]
    if absent:
        raise ValueError(f"{path}: there is no column {absent[0]!r}, got {', '.join(header)}.")
    image_at, name_at, confidence_at = (header.index(name) for name in columns)
    found: dict[tuple[str, str], int] = {}
    for number, cells in enumerate(rows, start=2):
        if not cells:
            continue
        if len(cells) != len(header):
            raise ValueError(f"{path}: row {number} has {len(cells)} cells, not {len(header)}.")
        name = speakable.get(cells[name_at])
        if name is None:
            raise ValueError(f"{path}: row {number} names the unknown class {cells[name_at]!r}.")
        if wanted is not None and name not in wanted:
            continue
        try:
            label = {1.0: 1, 0.0: -1}[float(cells[confidence_at])]
        except (KeyError, ValueError):
            raise ValueError(
                f"{path}: row {number} must have confidence 0 or 1, got {cells[confidence_at]!r}; "
                "machine-made labels are not verified."
            ) from None
        pair = (cells[image_at], name)
        found[pair] = label if found.get(pair, label) == label else 0
    return found


def _find(path: Path, images: Path, _reading: ReadingOptions) -> Splits:
    descriptions = sorted(path.glob("*class-descriptions*.csv"))
    found: Splits = {}
    for file in sorted(path.glob(f"*{_LABELS}")) if descriptions else []:
        split = file.name.removesuffix(_LABELS).split("-")[-1]
        folder = images / split if (images / split).is_dir() else images
        found[f"open-images/{split}"] = partial(load_open_images, file, descriptions[0], folder)
    return found


READER: Final = Reader(_find, f"*{_LABELS} (Open Images)")
"""Open Images' tables of verified labels beside their class descriptions."""
