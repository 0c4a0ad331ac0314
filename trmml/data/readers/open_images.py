"""Open Images: labels that people verified as present or absent, all others truly unknown."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from trmml.data.image_table import ImageTable
from trmml.data.readers.dataset_files import read_csv_rows, require_rows
from trmml.data.readers.reader import Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions
from trmml.data.visible_files import visible_files

__all__ = ["READER", "load_open_images"]

_LABELS = "-annotations-human-imagelabels"


def load_open_images(
    labels: str | os.PathLike[str],
    class_descriptions: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    images: str | os.PathLike[str],
    *,
    class_names: Sequence[str] | None = None,
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read Open Images' human-verified labels, or any table in that form.

    A confidence of 1 is a verified positive, 0 a verified negative, and what is not listed is
    unknown. Where people disagree about one pair, it is unknown too. Classes are told apart by
    their label names, such as /m/0id2: where several share a speakable name, the first in the list
    has it, and the others are called as `Bishop (/m/0id2)`.

    Args:
        labels: A table with the columns `ImageID`, `LabelName` and `Confidence` among others, such
            as `oidv6-train-annotations-human-imagelabels.csv`.
        class_descriptions: A table of label name and speakable name, with or without a first line
            of column names; of several, the first that has every label name of `labels`.
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
    labels = Path(labels)
    if isinstance(class_descriptions, str | os.PathLike):
        class_descriptions = [class_descriptions]
    speakable, descriptions = _fitting(labels, [Path(path) for path in class_descriptions])
    identity = {name: label_name for label_name, name in speakable.items()}
    if class_names is not None:
        unknown = [name for name in class_names if name not in identity]
        if unknown:
            raise ValueError(f"{descriptions}: there is no class {unknown[0]!r}.")
    wanted = None if class_names is None else {identity[name] for name in class_names}
    found = _verified(labels, speakable, wanted)
    if class_names is None:
        occurring = {label_name for _, label_name in found}
        class_names = [name for label_name, name in speakable.items() if label_name in occurring]
    column = {identity[name]: index for index, name in enumerate(class_names)}
    row = {image: index for index, image in enumerate(dict.fromkeys(image for image, _ in found))}
    table = np.zeros((len(row), len(column)), dtype=np.int8)
    for (image, label_name), label in found.items():
        table[row[image], column[label_name]] = label
    files = [f"{image}.jpg" for image in row]
    require_rows(files, source=str(labels))
    twins = [name for name in class_names if name.endswith(f" ({identity[name]})")]
    notes = [f"{len(twins)} classes share a name with another: {', '.join(twins)}"] if twins else []
    return ImageTable(images, files, table, class_names, transform=transform, notes=notes)


def _fitting(labels: Path, descriptions: list[Path]) -> tuple[dict[str, str], Path]:
    """Return the descriptions that have every label name, or else the first, and their file."""
    read = [(_described(path), path) for path in descriptions]
    if len(read) > 1:
        occurring = {cells[1] for _, cells in _rows(labels)}
        read = [(names, path) for names, path in read if occurring <= {*names}] or read
    return read[0]


def _described(path: Path) -> dict[str, str]:
    """Return a name of its own for each label name."""
    listed: dict[str, str] = {}
    for row in read_csv_rows(path):
        if len(row) > 1 and row[0] != "LabelName":
            listed.setdefault(row[0].strip(), row[1].strip())
    taken: set[str] = set()
    for label_name, name in listed.items():
        if name in taken:
            listed[label_name] = f"{name} ({label_name})"
        taken.add(listed[label_name])
    return listed


def _rows(path: Path) -> Iterator[tuple[int, tuple[str, str, str]]]:
    """Yield the number of each row with its image, label name and confidence."""
    rows = read_csv_rows(path)
    header = [name.strip() for name in next(rows, [])]
    columns = ("ImageID", "LabelName", "Confidence")
    absent = [name for name in columns if name not in header]
    if absent:
        raise ValueError(f"{path}: there is no column {absent[0]!r}, got {', '.join(header)}.")
    image_at, name_at, confidence_at = (header.index(name) for name in columns)
    for number, cells in enumerate(rows, start=2):
        if not cells:
            continue
        if len(cells) != len(header):
            raise ValueError(f"{path}: row {number} has {len(cells)} cells, not {len(header)}.")
        yield number, (cells[image_at].strip(), cells[name_at].strip(), cells[confidence_at])


def _verified(
    path: Path, speakable: dict[str, str], wanted: set[str] | None
) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for number, (image, label_name, confidence) in _rows(path):
        if label_name not in speakable:
            raise ValueError(f"{path}: row {number} names the unknown class {label_name!r}.")
        if wanted is not None and label_name not in wanted:
            continue
        try:
            label = {1.0: 1, 0.0: -1}[float(confidence)]
        except (KeyError, ValueError):
            raise ValueError(
                f"{path}: row {number} must have confidence 0 or 1, got {confidence!r}; "
                "machine-made labels are not verified."
            ) from None
        pair = (image, label_name)
        found[pair] = label if found.get(pair, label) == label else 0
    return found


def _find(path: Path, images: Path, _reading: ReadingOptions) -> Splits:
    descriptions = visible_files(path, "*class-descriptions*.csv")
    found: Splits = {}
    for file in visible_files(path, f"*{_LABELS}*.csv") if descriptions else []:
        start, _, end = file.stem.partition(_LABELS)
        split = start.split("-")[-1]
        folder = images / split if (images / split).is_dir() else images
        found[f"open-images/{split}{end}"] = partial(load_open_images, file, descriptions, folder)
    return found


READER: Final = Reader(_find, f"*{_LABELS}.csv beside *class-descriptions*.csv (Open Images)")
"""Open Images' tables of verified labels beside their class descriptions."""
