"""PASCAL VOC 2007 and 2012 in their official layout, and other data in the same."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from jaxtyping import Int

from trmml.choices import check_choice
from trmml.data.class_names import VOC_NAMES
from trmml.data.file_names import resolve_names
from trmml.data.image_table import ImageTable
from trmml.data.readers.dataset_files import read_lines, require, require_rows
from trmml.data.readers.reader import OfficialCounts, Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions
from trmml.data.readers.voc_objects import objects_in
from trmml.data.visible_files import images_below, visible_files

__all__ = ["READER", "load_voc"]

DifficultMeaning = Literal["negative", "unknown"]
LabelOrigin = Literal["annotations", "lists"]

_SPLITS = ("train", "val", "trainval", "test")
_EDITIONS = ("voc2007", "voc2012")
_TRAINVAL_2007 = (
    238, 243, 330, 181, 244, 186, 713, 337, 445, 141, 200, 421, 287, 245, 2008, 245, 96, 229, 261,
    256,
)  # fmt: skip
_TEST_2007 = (
    204, 239, 282, 172, 212, 174, 721, 322, 417, 127, 190, 418, 274, 222, 2007, 224, 97, 223, 259,
    229,
)  # fmt: skip
_VAL_2012 = (
    348, 290, 374, 252, 369, 211, 608, 544, 642, 154, 323, 661, 245, 262, 2232, 279, 155, 336, 275,
    296,
)  # fmt: skip


def load_voc(
    root: str | os.PathLike[str],
    split: str,
    *,
    difficult: DifficultMeaning = "negative",
    labels_from: LabelOrigin = "annotations",
    sort_by_name: bool = False,
    class_names: Sequence[str] | None = None,
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read PASCAL VOC: `JPEGImages`, `Annotations` and `ImageSets/Main` in one folder.

    VOC 2007 has 5,011 images in trainval and 4,952 in test; VOC 2012 5,717 in train and 5,823 in
    val, which the single-positive benchmarks use as train and test.

    Args:
        root: The folder `VOC2007` or `VOC2012` itself, inside `VOCdevkit`; or one of that layout,
            whose classes are those of its lists `<class>_<split>.txt`, or where there are none,
            those of the objects in `Annotations`.
        split: Which list of `ImageSets/Main`, such as "trainval"; its order is the order of rows.
        difficult: What a class is that an image shows in objects marked difficult alone: negative,
            as in every peer, or unknown, closest to the official evaluation.
        labels_from: `"annotations"` reads the XML files, as HCP and DualCoOp; `"lists"` the files
            `<class>_<split>.txt`, as SPML. Both say the same.
        sort_by_name: Sort rows by file name, as SPML and LargeLoss do.
        class_names: Names to use instead of VOC's own, in alphabetical order of those.
        transform: Callable on a decoded image.

    Raises:
        ValueError: If a file is missing or malformed, or an object's class is unknown.
    """
    root = Path(root)
    check_choice(difficult, DifficultMeaning, argument="difficult")
    check_choice(labels_from, LabelOrigin, argument="labels_from")
    sets = require(root / "ImageSets" / "Main", what="VOC's folder of lists")
    lines = read_lines(require(sets / f"{split}.txt", what="a list"))
    names = [_identity(line, root) for line in lines]
    if sort_by_name:
        names.sort()
    classes = _classes(root)
    read = _from_annotations if labels_from == "annotations" else _from_lists
    labels = read(root, split, names, classes)
    labels[labels == 0] = 0 if difficult == "unknown" else -1
    require_rows(names, source=str(sets / f"{split}.txt"))
    files = _files(root / "JPEGImages", names)
    given = classes if class_names is None else class_names
    return ImageTable(root / "JPEGImages", files, labels, given, transform=transform)


def _identity(line: str, root: Path) -> str:
    """Return the image that a line names: all of it, where there is one, or its first word."""
    first = line.split()[0]
    if first == line or (root / "Annotations" / f"{line}.xml").is_file():
        return line
    return first if (root / "Annotations" / f"{first}.xml").is_file() else line


def _files(images: Path, names: list[str]) -> list[str]:
    """Return each image's file: a JPEG as in VOC, or of another ending where that is there."""
    files = [f"{name}.jpg" for name in names]
    if all((images / file).is_file() for file in files) or not images.is_dir():
        return files
    there = {os.path.splitext(file)[0]: file for file in images_below(images)}  # noqa: PTH122 - names
    found = [there.get(name, file) for name, file in zip(names, files, strict=True)]
    return resolve_names(found, images)


def _classes(root: Path) -> list[str]:
    if _edition(root) in _EDITIONS:
        return list(VOC_NAMES)
    stems = [file.stem for file in visible_files(root / "ImageSets" / "Main", "*.txt")]
    listed = {stem.removesuffix(f"_{split}") for split in _splits(root) for stem in stems}
    listed -= {*stems}
    if listed:
        return sorted(listed)
    files = visible_files(root / "Annotations", "*.xml")
    return sorted({kind for file in files for kind, _ in objects_in(file)})


def _splits(root: Path) -> list[str]:
    """Return the names of the lists of images: those that do not end in another's, as classes'."""
    stems = [file.stem for file in visible_files(root / "ImageSets" / "Main", "*.txt")]
    own = [stem for stem in stems if not any(stem.endswith(f"_{other}") for other in stems)]
    return sorted(own, key=lambda name: _SPLITS.index(name) if name in _SPLITS else len(_SPLITS))


def _from_annotations(
    root: Path, split: str, names: list[str], classes: list[str]
) -> Int[np.ndarray, "rows classes"]:
    labels = np.full((len(names), len(classes)), -1, dtype=np.int8)
    column = {name: index for index, name in enumerate(classes)}
    for row, name in enumerate(names):
        path = root / "Annotations" / f"{name}.xml"
        if not path.is_file():
            raise ValueError(f"{path}: an image of {split} has no annotation file.")
        for kind, is_difficult in objects_in(path):
            kind = kind if kind in column else kind.lower()
            if kind not in column:
                raise ValueError(f"{path}: an object of the unknown class {kind!r}.")
            now = labels[row, column[kind]]
            labels[row, column[kind]] = max(now, 0 if is_difficult else 1)
    return labels


def _from_lists(
    root: Path, split: str, names: list[str], classes: list[str]
) -> Int[np.ndarray, "rows classes"]:
    labels = np.zeros((len(names), len(classes)), dtype=np.int8)
    for column, kind in enumerate(classes):
        path = require(
            root / "ImageSets" / "Main" / f"{kind}_{split}.txt", what=f"the list of {kind}"
        )
        found: dict[str, str] = {}
        for line in read_lines(path):
            name, value, *_ = [*line.rsplit(maxsplit=1), ""]
            if value not in ("-1", "0", "1"):
                raise ValueError(f"{path}: must hold a name and -1, 0 or 1 a line, got {line!r}.")
            found[name] = value
        absent = [name for name in names if name not in found]
        if absent:
            raise ValueError(f"{path}: {len(absent)} images of {split} are not in it: {absent[0]}.")
        labels[:, column] = [int(found[name]) for name in names]
    return labels


def _find(path: Path, _images: Path, _reading: ReadingOptions) -> Splits:
    found: Splits = {}
    for split in _splits(path):
        name = f"{_edition(path)}/{split}"
        found[name] = partial(load_voc, path, split)
        found[f"{name}/by_name"] = partial(load_voc, path, split, sort_by_name=True)
    return found


def _edition(folder: Path) -> str:
    """Return the folder's name in lower case, also of a path like `.` or through a link."""
    given, real = folder.name.lower(), folder.resolve().name.lower()
    has_name = given not in ("", "..")
    return given if given in _EDITIONS or (has_name and real not in _EDITIONS) else real


_COUNTS = {
    "voc2007/trainval": OfficialCounts(5_011, 20, _TRAINVAL_2007),
    "voc2007/test": OfficialCounts(4_952, 20, _TEST_2007),
    "voc2012/train": OfficialCounts(5_717, 20),
    "voc2012/val": OfficialCounts(5_823, 20, _VAL_2012),
}

READER: Final = Reader(
    _find,
    "ImageSets/Main (VOC)",
    _COUNTS | {f"{split}/by_name": counts for split, counts in _COUNTS.items()},
    reordered=("/by_name",),
)
"""VOC's folder of one year. Positives were counted on published label files; numbers of rows are
those the peers state."""
