"""NUS-WIDE in its official lists and in ASL's split; its third version is `formatted_arrays`."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np

from trmml.choices import check_choice
from trmml.data.class_names import NUS_WIDE_NAMES
from trmml.data.file_names import resolve_names
from trmml.data.image_table import ImageTable
from trmml.data.readers.dataset_files import (
    multi_hot,
    read_csv_rows,
    read_lines,
    require,
    require_rows,
)
from trmml.data.readers.reader import OfficialCounts, Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions

__all__ = ["READER", "load_nus_wide", "load_nus_wide_csv"]

OfficialSplit = Literal["train", "test"]
AslSplit = Literal["train", "val"]
UnlabelledPolicy = Literal["keep", "drop"]


def load_nus_wide(
    root: str | os.PathLike[str],
    split: OfficialSplit,
    *,
    unlabelled: UnlabelledPolicy = "keep",
    class_names: Sequence[str] | None = None,
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read NUS-WIDE's official lists: `ImageList`, `TrainTestLabels`, `Concepts81.txt`, `Flickr`.

    The label files may lie in `Groundtruth/TrainTestLabels`, and the concepts in `ConceptsList`,
    as the archives unpack them. 161,789 rows in train and 107,859 in test.

    Args:
        root: The folder with all of these.
        split: "train" or "test".
        unlabelled: What a row without any of the 81 concepts does: `"keep"` it as all negative,
            as TaI-DPT, or `"drop"` it, as SADCL and ML-VPT.
        class_names: Names to use instead, in the order of `Concepts81.txt`.
        transform: Callable on a decoded image.

    Raises:
        ValueError: If a file is missing, has another length, or another value than 0 and 1.
    """
    root = Path(root)
    check_choice(split, OfficialSplit, argument="split")
    check_choice(unlabelled, UnlabelledPolicy, argument="unlabelled")
    part = split.capitalize()
    path = require(root / "ImageList" / f"{part}Imagelist.txt", what="NUS-WIDE's list of images")
    names = resolve_names(read_lines(path), root / "Flickr")
    concepts = read_lines(
        require(
            root / "Concepts81.txt",
            root / "ConceptsList" / "Concepts81.txt",
            what="NUS-WIDE's list of concepts",
        )
    )
    folder = require(
        root / "TrainTestLabels",
        root / "Groundtruth" / "TrainTestLabels",
        what="NUS-WIDE's folder of labels",
    )
    labels = np.empty((len(names), len(concepts)), dtype=np.int8)
    for column, concept in enumerate(concepts):
        file = require(folder / f"Labels_{concept}_{part}.txt", what=f"the labels of {concept}")
        values = read_lines(file)
        if len(values) != len(names) or not {*values} <= {"0", "1"}:
            raise ValueError(f"{file}: must have {len(names)} lines of 0 or 1, got {len(values)}.")
        labels[:, column] = np.array(values) == "1"
    labels = labels * 2 - 1
    require_rows(names, source=str(path))
    table = ImageTable(root / "Flickr", names, labels, class_names or concepts, transform=transform)
    return table if unlabelled == "keep" else table.select((table.labels > 0).any(1))


def load_nus_wide_csv(
    csv_file: str | os.PathLike[str],
    root: str | os.PathLike[str],
    split: AslSplit,
    *,
    class_names: Sequence[str] = NUS_WIDE_NAMES,
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read ASL's split of NUS-WIDE: a table of file path, list of concepts, and split.

    119,103 images in train and 50,720 in val, none without a concept. The images are about 240
    pixels high: ASL's published 65.2 mAP is at test resolution 240.

    Args:
        csv_file: `nus_wid_data.csv` of ASL's model zoo: `filepath,label,split_name`, labels like
            `['person', 'sky']`.
        root: Folder the paths are relative to.
        split: "train" or "val".
        class_names: The 81 concepts, in the order of the columns.
        transform: Callable on a decoded image.

    Raises:
        ValueError: If the table is missing or malformed, or names an unknown concept.
    """
    path = Path(csv_file)
    column = {name: index for index, name in enumerate(class_names)}
    names, positives = [], []
    for number, row in enumerate(read_csv_rows(path), start=1):
        if number == 1 or not row:
            continue
        if len(row) != 3:
            raise ValueError(f"{path}: row {number} must have file, labels and split, got {row}.")
        if row[2].strip() != split:
            continue
        concepts = [part.strip(" '\"") for part in row[1].strip("[] ").split(",")]
        unknown = [concept for concept in concepts if concept not in column]
        if unknown:
            raise ValueError(f"{path}: row {number} names the unknown concept {unknown[0]!r}.")
        names.append(row[0].strip())
        positives.append([column[concept] for concept in concepts])
    require_rows(names, source=f"{path}, split {split}")
    labels = multi_hot(positives, len(class_names))
    names = resolve_names(names, root)
    return ImageTable(root, names, labels, class_names, transform=transform)


def _find(path: Path, _images: Path, _reading: ReadingOptions) -> Splits:
    found: Splits = {}
    for split in sorted(get_args(OfficialSplit)):
        if (path / "ImageList" / f"{split.capitalize()}Imagelist.txt").is_file():
            found[f"nus-wide/{split}"] = partial(load_nus_wide, path, split)
    table = path / "nus_wid_data.csv"
    for split in get_args(AslSplit) if table.is_file() else ():
        found[f"nus-wide-asl/{split}"] = partial(load_nus_wide_csv, table, path, split)
    return found


READER: Final = Reader(
    _find,
    "ImageList (NUS-WIDE)",
    {
        "nus-wide/train": OfficialCounts(161_789, 81),
        "nus-wide/test": OfficialCounts(107_859, 81),
        "nus-wide-asl/train": OfficialCounts(119_103, 81),
        "nus-wide-asl/val": OfficialCounts(50_720, 81),
    },
)
"""NUS-WIDE's official lists, of which the numbers are from the literature alone, and ASL's table,
of which they are those the peers state."""
