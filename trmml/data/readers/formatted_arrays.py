"""The `formatted_*.npy` files of single-positive-multi-label and LargeLoss."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np

from trmml.data.class_names import NUS_WIDE_NAMES
from trmml.data.codings import to_signed
from trmml.data.file_names import resolve_names
from trmml.data.image_table import ImageTable
from trmml.data.peer_files import read_label_array
from trmml.data.readers.dataset_files import require, require_rows
from trmml.data.readers.reader import OfficialCounts, Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions

__all__ = ["READER", "load_formatted_arrays"]

ArraySplit = Literal["train", "val"]


def load_formatted_arrays(
    folder: str | os.PathLike[str],
    split: ArraySplit,
    images: str | os.PathLike[str],
    class_names: Sequence[str],
    *,
    observed: bool = False,
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read a split that SPML's scripts wrote; the only public form of its NUS-WIDE re-crawl.

    Args:
        folder: Holds `formatted_<split>_images.npy` and `formatted_<split>_labels.npy`.
        split: "train", or "val" for what is the official test set there.
        images: Folder the image paths are relative to.
        class_names: Names of the columns.
        observed: Read `formatted_<split>_labels_obs.npy` (in later versions of the scripts
            `..._uniform_labels_obs.npy`): +1 seen, 0 unknown, -1 seen negative, instead of the
            full 0/1 labels.
        transform: Callable on a decoded image.

    Raises:
        ValueError: If a file is missing, needs pickle to be read, or its size does not fit.
    """
    folder = Path(folder)
    path = require(folder / f"formatted_{split}_images.npy", what="SPML's list of images")
    try:
        names = np.load(path, allow_pickle=False)
    except ValueError:
        raise ValueError(
            f"{path}: holds Python objects, which are not loaded; save it again as text with "
            "`np.save(path, images.astype(str))`."
        ) from None
    kinds = ("labels_obs", "uniform_labels_obs") if observed else ("labels",)
    files = [folder / f"formatted_{split}_{kind}.npy" for kind in kinds]
    labels = read_label_array(require(*files, what="the label matrix"))
    if not observed:
        labels = to_signed(labels, coding="zero_one")
    rows = resolve_names([str(name) for name in names], images)
    require_rows(rows, source=str(path))
    return ImageTable(images, rows, labels, class_names, transform=transform)


def _find(path: Path, images: Path, _reading: ReadingOptions) -> Splits:
    return {
        f"nus-wide-spml/{split}": partial(
            load_formatted_arrays, path, split, images, NUS_WIDE_NAMES
        )
        for split in get_args(ArraySplit)
        if (path / f"formatted_{split}_images.npy").is_file()
    }


READER: Final = Reader(
    _find,
    "formatted_train_images.npy (NUS-WIDE of SPML)",
    {
        "nus-wide-spml/train": OfficialCounts(150_000, 81),
        "nus-wide-spml/val": OfficialCounts(60_260, 81),
    },
)
"""SPML's arrays of NUS-WIDE; other datasets in this form do not say which classes they have."""
