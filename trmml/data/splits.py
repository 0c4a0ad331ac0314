"""Recognise a dataset by its layout on disk, and name the splits that are there."""

import os
from pathlib import Path
from typing import Final

from trmml.choices import choice_error
from trmml.data.image_formats import IMAGE_SUFFIXES
from trmml.data.image_table import ImageTable
from trmml.data.readers import (
    class_folders,
    coco,
    cub,
    cvat_images,
    fiftyone,
    formatted_arrays,
    index_lists,
    label_studio,
    metadata_files,
    nus_wide,
    open_images,
    roboflow_classes,
    spreadsheet,
    visual_genome,
    voc,
    voc_exports,
    yolo,
)
from trmml.data.readers.reader import OfficialCounts, Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions
from trmml.data.visible_files import visible_files

__all__ = ["OFFICIAL_COUNTS", "READERS", "find_splits", "official_counts", "open_split"]

_TABLES: Final = ("*.csv", "*.tsv", "*.json", "*.jsonl", "*.parquet")
_MOST_LISTED = 8  # files of a folder, where none is recognised

READERS: Final[tuple[Reader, ...]] = (
    coco.READER,
    voc.READER,
    voc_exports.READER,
    cub.READER,
    nus_wide.READER,
    formatted_arrays.READER,
    visual_genome.READER,
    open_images.READER,
    yolo.READER,
    fiftyone.READER,
    cvat_images.READER,
    roboflow_classes.READER,
    label_studio.READER,
    index_lists.READER,
    metadata_files.READER,
    class_folders.READER,
    spreadsheet.READER,
)
"""All that is recognised; where two name a split alike, the earlier one reads it."""

OFFICIAL_COUNTS: Final[dict[str, OfficialCounts]] = {
    split: counts for reader in READERS for split, counts in reader.official_counts.items()
}
"""Rows, classes and positives of the benchmarks by split, to notice a wrong or incomplete copy.
Where they come from, each reader says."""


def find_splits(
    path: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
    reading: ReadingOptions | None = None,
) -> Splits:
    """Name each split of the dataset at a path, with a function that reads it.

    | at the path | splits |
    |---|---|
    | `annotations/instances_<split><year>.json` | `coco2014/train/all`, `.../annotated`, `.../by_id_text` |
    | `ImageSets/Main` in `VOC2007` or `VOC2012` | `voc2007/trainval`, ..., and `.../by_name` |
    | `ImageSets/Main` in another folder | `<folder>/<list>` of each list there, and `.../by_name` |
    | a VOC file of objects for each image | `voc-export`, or `voc-export/train`, ... |
    | `train_test_split.txt` | `cub/train`, `cub/test` |
    | `ImageList/TrainImagelist.txt` | `nus-wide/train`, `nus-wide/test` |
    | `nus_wid_data.csv` | `nus-wide-asl/train`, `nus-wide-asl/val` |
    | `formatted_train_images.npy` with 81 classes | `nus-wide-spml/train`, `nus-wide-spml/val` |
    | `train_list_500.txt`, `vg_category_200_labels_index.json`, `class_names.txt` | `vg200/train`, `vg200/test` |
    | `*-annotations-human-imagelabels.csv`, `class-descriptions*.csv` | `open-images/train`, ... |
    | `data.yaml` or `obj.data`, or the file itself | `yolo/train`, `yolo/val`, `yolo/test`, as it says |
    | `classes.txt`, or `data.yaml` without splits, with `images` and `labels` | `yolo`, or `yolo/train`, ... |
    | `labels.json` or `samples.json` of FiftyOne, in the folder or a split's | `fiftyone`, or `fiftyone/train`, ... |
    | `annotations.xml` of CVAT for images, beside `images` | `cvat` |
    | `_classes.csv` of Roboflow, in the folder or a split's | `roboflow`, or `roboflow/train`, ... |
    | `metadata.jsonl`, `.csv` or `.parquet` of Hugging Face, in the folder or a split's | `image-folder`, or `image-folder/train`, ... |
    | a folder of images for each class, or these in folders of splits | `class-folders`, or `class-folders/train`, ... |
    | a table with a column `split` | `<file name>/<split>`, ... |
    | a CSV, JSON, JSON-lines or Parquet table, or one export of COCO, Label Studio, FiftyOne or CVAT | its file name |
    | `annotations/instances_<name>.json`, or `_annotations.coco.json` in the folder or a split's | `coco/<name>`, or `coco`, `coco/train`, ... |
    | nothing else, but one table of CSV, or one of another kind | as the file itself |
    | a list of SPLC or SCPNet: `coco_*.txt`, `nus_*.txt`, `voc_*.txt` | its file name |

    Args:
        path: The dataset's folder, or one's own table.
        images: Folder of the images, where the layout does not say; by default the folder of the
            table or the only folder in it.
        reading: What the files leave open, see `ReadingOptions`.

    Raises:
        ValueError: If there is nothing at the path, nothing that is recognised, or a reading
            option is given that the format found does not take.
    """  # noqa: E501 - a table row cannot be broken
    path = Path(path)
    reading = reading or ReadingOptions()
    if not path.exists():
        raise ValueError(f"{path}: there is nothing; check the path.")
    folder = _images_beside(path) if images is None else Path(images)
    if not folder.is_dir():
        raise ValueError(f"{folder}: the image folder does not exist; check `images`.")
    found: Splits = {}
    for reader in READERS:
        new = {n: load for n, load in reader.find(path, folder, reading).items() if n not in found}
        if new:
            _check_taken(path, reader, reading)
        found |= new
        if found and path.is_file():
            break  # a single file is of one format
    if found:
        return found
    tables = next(filter(None, (visible_files(path, pattern) for pattern in _TABLES)), [])
    if len(tables) == 1:
        return find_splits(tables[0], images=images, reading=reading)
    if tables:
        names = ", ".join(table.name for table in tables)
        raise ValueError(f"{path}: holds {len(tables)} tables; give the one you mean: {names}.")
    layouts = ", ".join(reader.layout for reader in READERS if reader.layout)
    raise ValueError(
        f"{path}: no dataset is recognised; expected {layouts}, or give the table "
        f"itself; there {_listing(path)}."
    )


def open_split(
    path: str | os.PathLike[str],
    split: str | None = None,
    *,
    images: str | os.PathLike[str] | None = None,
    reading: ReadingOptions | None = None,
    argument: str = "split",
) -> tuple[str, ImageTable]:
    """Read one split of the dataset at a path.

    Args:
        path: The dataset's folder, or one's own table.
        split: A name of `find_splits`; needed where there is more than one.
        images: As in `find_splits`.
        reading: As in `find_splits`.
        argument: What the caller calls `split`, for the message.

    Returns:
        The split's name and its table.

    Raises:
        ValueError: If there is no such split, or it cannot be read.
    """
    found = find_splits(path, images=images, reading=reading)
    if split is None and len(found) == 1:
        split = next(iter(found))
    if split not in found:
        raise ValueError(f"{path}: {choice_error(split, list(found), argument=argument)}")
    return split, found[split]()


def official_counts(split: str) -> OfficialCounts | None:
    """Return what a complete copy of a split has, in whatever order, or None if not known here.

    Args:
        split: A name of `find_splits`.

    Examples:
        >>> official_counts("coco2014/train/by_id_text").rows
        82081
    """
    return OFFICIAL_COUNTS.get(split)


def _check_taken(path: Path, reader: Reader, reading: ReadingOptions) -> None:
    wrong = [name for name in reading.given() if name not in reader.options]
    if wrong:
        taken = ", ".join(f"`{name}`" for name in sorted(reader.options)) or "none"
        raise ValueError(
            f"{path}: `{wrong[0]}` is no reading option of this format, which takes {taken}; leave "
            "it out."
        )


def _listing(path: Path) -> str:
    """Say what is at a path where nothing is recognised."""
    if path.is_file():
        return "is this one file"
    names = [f"{one.name}/" if one.is_dir() else one.name for one in visible_files(path)]
    more = f" and {len(names) - _MOST_LISTED:,} more" if len(names) > _MOST_LISTED else ""
    return f"are {', '.join(names[:_MOST_LISTED])}{more}" if names else "is nothing"


def _images_beside(path: Path) -> Path:
    if path.is_dir():
        return path
    beside = visible_files(path.parent)
    if any(entry.suffix.lower() in IMAGE_SUFFIXES for entry in beside):
        return path.parent  # a folder there may be anything, such as that of a run
    folders = [entry for entry in beside if entry.is_dir()]
    if len(folders) > 1:
        folders = [folder for folder in folders if _holds_images(folder)]
    return folders[0] if len(folders) == 1 else path.parent


def _holds_images(folder: Path) -> bool:
    """Return whether an image lies in a folder or in those right in it; a run's has none."""
    inside = visible_files(folder)
    if any(entry.suffix.lower() in IMAGE_SUFFIXES for entry in inside):
        return True
    below = (entry for one in inside if one.is_dir() for entry in visible_files(one))
    return any(entry.suffix.lower() in IMAGE_SUFFIXES for entry in below)
