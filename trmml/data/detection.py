"""Recognise a dataset by its layout on disk, and check all that is there."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, cast

from trmml.data.checking import DatasetReport, check_dataset
from trmml.data.image_table import ImageTable
from trmml.data.official_counts import OFFICIAL_COUNTS
from trmml.data.readers.coco import load_coco
from trmml.data.readers.cub import load_cub
from trmml.data.readers.nus_wide import load_nus_wide
from trmml.data.readers.spreadsheet import load_table
from trmml.data.readers.voc import load_voc

__all__ = ["check_path"]

_Found = tuple[str, Callable[[], ImageTable]]


def check_path(
    path: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
    fast: bool = False,
    workers: int = 4,
    progress: Callable[[int, int], None] | None = None,
) -> list[DatasetReport]:
    """Find out what is at a path, and check each split of it.

    Recognised are MS-COCO (`annotations/instances_*.json`), PASCAL VOC (`ImageSets/Main`; named
    `VOC2007` or `VOC2012` for the official counts), CUB-200-2011 (`train_test_split.txt`),
    NUS-WIDE's official lists (`ImageList`), and one's own CSV or JSON table with a folder of
    images. What a reader refuses (duplicated rows, unknown categories, another encoding) becomes
    a problem of the report instead of an error.

    Args:
        path: The dataset's folder, or one's own table.
        images: Folder of images of one's own table; by default the table's folder, or the only
            folder in it.
        fast: As in `check_dataset`.
        workers: As in `check_dataset`.
        progress: As in `check_dataset`.

    Returns:
        One report for each split that is there.

    Raises:
        ValueError: If there is nothing at the path, or nothing that is recognised.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"{path}: there is nothing; check the path.")
    found = list(_own_table(path, images) if path.is_file() else _benchmark(path))
    if not found:
        raise ValueError(
            f"{path}: no dataset is recognised; expected annotations/instances_*.json (COCO), "
            "ImageSets/Main (VOC), train_test_split.txt (CUB), ImageList (NUS-WIDE), or give the "
            "CSV or JSON table itself."
        )
    reports = []
    for name, load in found:
        try:
            table = load()
        except ValueError as error:
            reports.append(DatasetReport(name, problems=[str(error)]))
            continue
        expected = OFFICIAL_COUNTS.get(name)
        reports.append(
            check_dataset(
                table, name=name, expected=expected, fast=fast, workers=workers, progress=progress
            )
        )
    return reports


def _own_table(path: Path, images: str | os.PathLike[str] | None) -> Iterator[_Found]:
    if images is None:
        folders = [entry for entry in path.parent.iterdir() if entry.is_dir()]
        images = folders[0] if len(folders) == 1 else path.parent
    folder = Path(images)
    yield path.name, lambda: load_table(path, folder, missing="keep")


def _benchmark(root: Path) -> Iterator[_Found]:
    for file in sorted((root / "annotations").glob("instances_*20[0-9][0-9].json")):
        split = cast("Literal['train', 'val']", file.stem.removeprefix("instances_")[:-4])
        year = int(file.stem[-4:])
        name = f"coco{year}/{split}/all"
        yield name, lambda split=split, year=year: load_coco(root, split, year=year, rows="all")
    lists = root / "ImageSets" / "Main"
    for split in ("train", "val", "trainval", "test"):
        if (lists / f"{split}.txt").is_file():
            name = f"{root.name.lower()}/{split}"
            yield name, lambda split=split: load_voc(root, split)
    if (root / "train_test_split.txt").is_file():
        for split in ("train", "test"):
            yield f"cub/{split}", lambda split=split: load_cub(root, split)
    for file in sorted((root / "ImageList").glob("*Imagelist.txt")):
        split = cast("Literal['train', 'test']", file.name.removesuffix("Imagelist.txt").lower())
        yield f"nus-wide/{split}", lambda split=split: load_nus_wide(root, split)
