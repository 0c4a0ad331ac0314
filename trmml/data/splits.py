"""Recognise a dataset by its layout on disk, and name the splits that are there."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal, cast

from trmml.data.class_names import COCO_NAMES, NUS_WIDE_NAMES, VOC_NAMES
from trmml.data.image_table import ImageTable
from trmml.data.images import IMAGE_SUFFIXES
from trmml.data.readers.coco import load_coco, load_coco_file
from trmml.data.readers.cub import load_cub
from trmml.data.readers.formatted_arrays import load_formatted_arrays
from trmml.data.readers.index_lists import load_index_list
from trmml.data.readers.layout import read_json
from trmml.data.readers.nus_wide import load_nus_wide, load_nus_wide_csv
from trmml.data.readers.open_images import load_open_images
from trmml.data.readers.spreadsheet import load_table
from trmml.data.readers.visual_genome import load_vg
from trmml.data.readers.voc import load_voc
from trmml.data.readers.yolo import load_yolo

__all__ = ["find_splits", "open_split"]

_Splits = dict[str, Callable[[], ImageTable]]

_LIST_CLASSES = {"coco": COCO_NAMES, "nus": NUS_WIDE_NAMES, "voc": VOC_NAMES}
_VG_LABELS = "vg_category_200_labels_index.json"


def find_splits(
    path: str | os.PathLike[str], *, images: str | os.PathLike[str] | None = None
) -> dict[str, Callable[[], ImageTable]]:
    """Name each split of the dataset at a path, with a function that reads it.

    | at the path | splits |
    |---|---|
    | `annotations/instances_<split><year>.json` | `coco2014/train/all`, `.../annotated`, `.../by_id_text` |
    | `ImageSets/Main` in `VOC2007` or `VOC2012` | `voc2007/trainval`, ..., and `.../by_name` |
    | `train_test_split.txt` | `cub/train`, `cub/test` |
    | `ImageList/TrainImagelist.txt` | `nus-wide/train`, `nus-wide/test` |
    | `nus_wid_data.csv` | `nus-wide-asl/train`, `nus-wide-asl/val` |
    | `formatted_train_images.npy` with 81 classes | `nus-wide-spml/train`, `nus-wide-spml/val` |
    | `train_list_500.txt`, `vg_category_200_labels_index.json`, `class_names.txt` | `vg200/train`, `vg200/test` |
    | `*-annotations-human-imagelabels.csv`, `class-descriptions*.csv` | `open-images/train`, ... |
    | `data.yaml` or `classes.txt`, with `images` and `labels` | `yolo`, or `yolo/train`, ... |
    | a CSV or JSON table, or a COCO export | its file name |
    | nothing else, but one CSV table | its file name |
    | a list of SPLC or SCPNet: `coco_*.txt`, `nus_*.txt`, `voc_*.txt` | its file name |

    Args:
        path: The dataset's folder, or one's own table.
        images: Folder of the images, where the layout does not say; by default the folder of the
            table or the only folder in it.

    Raises:
        ValueError: If there is nothing at the path, or nothing that is recognised.
    """  # noqa: E501 - a table row cannot be broken
    path = Path(path)
    if not path.exists():
        raise ValueError(f"{path}: there is nothing; check the path.")
    if path.is_file():
        return {path.name: partial(_read_file, path, _images_beside(path, images))}
    folder = path if images is None else Path(images)
    found: _Splits = {}
    for reader in (_coco, _voc, _cub, _nus_wide):
        found |= reader(path)
    for reader in (_nus_wide_arrays, _visual_genome, _open_images):
        found |= reader(path, folder)
    found |= _yolo(path)
    tables = sorted(path.glob("*.csv"))
    if not found and len(tables) == 1:
        return find_splits(tables[0], images=images)
    if not found and tables:
        names = ", ".join(table.name for table in tables)
        raise ValueError(f"{path}: holds {len(tables)} tables; give the one you mean: {names}.")
    if not found:
        raise ValueError(
            f"{path}: no dataset is recognised; expected annotations/instances_*.json (COCO), "
            "ImageSets/Main (VOC), train_test_split.txt (CUB), ImageList (NUS-WIDE), "
            f"{_VG_LABELS} (VG-200), a labelling tool's export, or give the CSV or JSON table "
            "itself."
        )
    return found


def open_split(
    path: str | os.PathLike[str],
    split: str | None = None,
    *,
    images: str | os.PathLike[str] | None = None,
) -> tuple[str, ImageTable]:
    """Read one split of the dataset at a path.

    Args:
        path: The dataset's folder, or one's own table.
        split: A name of `find_splits`; needed where there is more than one.
        images: As in `find_splits`.

    Returns:
        The split's name and its table.

    Raises:
        ValueError: If there is no such split, or it cannot be read.
    """
    found = find_splits(path, images=images)
    if split is None and len(found) == 1:
        split = next(iter(found))
    if split not in found:
        raise ValueError(f"{path}: `split` must be one of {', '.join(found)}, got {split}.")
    return split, found[split]()


def _images_beside(path: Path, images: str | os.PathLike[str] | None) -> Path:
    if images is not None:
        return Path(images)
    beside = list(path.parent.iterdir())
    if any(entry.suffix.lower() in IMAGE_SUFFIXES for entry in beside):
        return path.parent  # a folder there may be anything, such as that of a run
    folders = [entry for entry in beside if entry.is_dir()]
    return folders[0] if len(folders) == 1 else path.parent


def _read_file(path: Path, images: Path) -> ImageTable:
    if path.suffix.lower() == ".txt":
        prefix, _, rest = path.stem.partition("_")
        if prefix not in _LIST_CLASSES:
            raise ValueError(
                f"{path}: a list of class indices must be named {'_*, '.join(_LIST_CLASSES)}_*, "
                "which says what its indices mean; read others with `trmml.data.load_index_list`."
            )
        full = rest.endswith("full") or "val" in rest
        unlisted = "negative" if full else "unknown"
        return load_index_list(path, images, _LIST_CLASSES[prefix], unlisted=unlisted)
    if path.suffix.lower() == ".json":
        content = read_json(path)
        if isinstance(content, dict) and "annotations" in content:
            return load_coco_file(path, images)
    return load_table(path, images, missing="keep")


def _coco(root: Path) -> _Splits:
    found: _Splits = {}
    for file in sorted((root / "annotations").glob("instances_*20[0-9][0-9].json")):
        split = cast("Literal['train', 'val']", file.stem.removeprefix("instances_")[:-4])
        year = int(file.stem[-4:])
        for rows in ("all", "annotated", "by_id_text"):
            load = partial(load_coco, root, split, year=year, rows=rows)
            found[f"coco{year}/{split}/{rows}"] = load
    return found


def _voc(root: Path) -> _Splits:
    found: _Splits = {}
    for split in ("train", "val", "trainval", "test"):
        if (root / "ImageSets" / "Main" / f"{split}.txt").is_file():
            name = f"{root.name.lower()}/{split}"
            found[name] = partial(load_voc, root, split)
            found[f"{name}/by_name"] = partial(load_voc, root, split, sort_by_name=True)
    return found


def _cub(root: Path) -> _Splits:
    if not (root / "train_test_split.txt").is_file():
        return {}
    return {
        "cub/train": partial(load_cub, root, "train"),
        "cub/test": partial(load_cub, root, "test"),
    }


def _nus_wide(root: Path) -> _Splits:
    found: _Splits = {}
    for file in sorted((root / "ImageList").glob("*Imagelist.txt")):
        split = cast("Literal['train', 'test']", file.name.removesuffix("Imagelist.txt").lower())
        found[f"nus-wide/{split}"] = partial(load_nus_wide, root, split)
    table = root / "nus_wid_data.csv"
    if table.is_file():
        found["nus-wide-asl/train"] = partial(load_nus_wide_csv, table, root, "train")
        found["nus-wide-asl/val"] = partial(load_nus_wide_csv, table, root, "val")
    return found


def _nus_wide_arrays(root: Path, images: Path) -> _Splits:
    load = partial(load_formatted_arrays, root, images=images, class_names=NUS_WIDE_NAMES)
    return {
        f"nus-wide-spml/{split}": partial(load, split)
        for split in ("train", "val")
        if (root / f"formatted_{split}_images.npy").is_file()
    }


def _visual_genome(root: Path, images: Path) -> _Splits:
    names = root / "class_names.txt"
    return {
        f"vg200/{split}": partial(load_vg, images, file, root / _VG_LABELS, names)
        for split in ("train", "test")
        if (file := root / f"{split}_list_500.txt").is_file()
    }


def _open_images(root: Path, images: Path) -> _Splits:
    ending = "-annotations-human-imagelabels.csv"
    descriptions = sorted(root.glob("*class-descriptions*.csv"))
    found: _Splits = {}
    for file in sorted(root.glob(f"*{ending}")) if descriptions else []:
        split = file.name.removesuffix(ending).split("-")[-1]
        folder = images / split if (images / split).is_dir() else images
        found[f"open-images/{split}"] = partial(load_open_images, file, descriptions[0], folder)
    return found


def _yolo(root: Path) -> _Splits:
    names = [file for file in ("data.yaml", "classes.txt", "obj.names") if (root / file).is_file()]
    found: _Splits = {}
    for part in ("", "train", "valid", "val", "test") if names else ():
        folder = root / part
        if (folder / "images").is_dir() and (folder / "labels").is_dir():
            name = f"yolo/{part}".removesuffix("/")
            found[name] = partial(load_yolo, folder / "images", folder / "labels", root / names[0])
    return found
