"""The `formatted_*.npy` files of single-positive-multi-label and LargeLoss."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from trmml.data.codings import to_signed
from trmml.data.image_table import ImageTable
from trmml.data.peer_files import read_label_array
from trmml.data.readers.layout import require, require_rows

__all__ = ["load_formatted_arrays"]


def load_formatted_arrays(
    folder: str | os.PathLike[str],
    split: Literal["train", "val"],
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
    rows = [str(name) for name in names]
    require_rows(rows, source=str(path))
    return ImageTable(images, rows, labels, class_names, transform=transform)
