"""Read and write the partial-label files of other projects."""

import os
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from trmml.atomic_write import atomic_write, atomic_write_binary
from trmml.data.readers.text_files import read_text
from trmml.regular_files import require_regular_file

__all__ = [
    "read_dualcoop_mask",
    "read_label_array",
    "read_label_text",
    "write_dualcoop_mask",
    "write_label_text",
]


def read_dualcoop_mask(path: str | os.PathLike[str]) -> Bool[np.ndarray, "rows classes"]:
    """Read DualCoOp's `partial_label_{keep:.2f}.pt`: which labels stay known.

    The file holds an integer tensor of 0 and 1, [rows slices classes], with three equal slices for
    COCO and one for VOC. Nothing in the file is executed.

    Raises:
        ValueError: If the file is no such tensor, or its slices differ: their union would reveal
            more labels than the share says.
    """
    path = _plain_file(path)
    try:
        mask = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(f"{path}: no tensor that is safe to load: {error}") from error
    if not isinstance(mask, Tensor) or mask.ndim != 3 or not ((mask == 0) | (mask == 1)).all():
        raise ValueError(f"{path}: must hold a tensor of 0 and 1, [rows slices classes].")
    if not (mask == mask[:, :1]).all():
        rows = int((mask != mask[:, :1]).any(2).any(1).sum())
        raise ValueError(
            f"{path}: the slices by object size differ in {rows} rows, so together they reveal "
            "more labels than the share says; draw a new mask."
        )
    return mask[:, 0].bool().numpy()


def write_dualcoop_mask(
    path: str | os.PathLike[str],
    known: Bool[np.ndarray, "rows classes"],
    *,
    num_slices: int,
) -> None:
    """Write a mask as DualCoOp's `--mask_file` reads it.

    Args:
        path: Where to; DualCoOp looks for `partial_label_{keep:.2f}.pt` in `annotations/` (COCO)
            or `Annotations/` (VOC).
        known: True where the label stays known.
        num_slices: 3 for COCO, 1 for VOC.

    Raises:
        ValueError: If `num_slices` is below 1, or the folder does not exist.
    """
    if num_slices < 1:
        raise ValueError(f"`num_slices` must be at least 1, got {num_slices}.")
    mask = torch.from_numpy(known).long()[:, None].repeat(1, num_slices, 1)
    with atomic_write_binary(path) as file:
        torch.save(mask, file)


def read_label_text(path: str | os.PathLike[str]) -> Int[np.ndarray, "rows classes"]:
    """Read TaI-DPT's `train_proportion_{keep}.txt`: one image a line, -1, 0, 1 between commas.

    Raises:
        ValueError: If a line has another number of entries or another value, with its number.
    """
    rows: list[list[int]] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        cells = [cell.strip() for cell in line.strip().rstrip(",").split(",")]
        if cells == [""]:
            continue
        wrong = [cell for cell in cells if cell not in ("-1", "0", "1")]
        if wrong:
            raise ValueError(f"{path}: line {number} must hold -1, 0 and 1, got {wrong[0]!r}.")
        if rows and len(cells) != len(rows[0]):
            raise ValueError(
                f"{path}: line {number} has {len(cells)} entries, the first {len(rows[0])}."
            )
        rows.append([int(cell) for cell in cells])
    return np.array(rows, dtype=np.int8)


def write_label_text(path: str | os.PathLike[str], labels: Int[np.ndarray, "rows classes"]) -> None:
    """Write labels in TaI-DPT's text format, which L-DualCoop reads too.

    Raises:
        ValueError: If the folder does not exist.
    """
    with atomic_write(path) as file:
        file.writelines(f"{','.join(map(str, row))}\n" for row in labels.tolist())


def read_label_array(path: str | os.PathLike[str]) -> Int[np.ndarray, "rows classes"]:
    """Read a `.npy` matrix of -1, 0 and 1: L-DualCoop's cache, or SPML's observed labels.

    Raises:
        ValueError: If the file is no matrix of these values; nothing in it is executed.
    """
    path = _plain_file(path)
    try:
        labels = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path}: no array that is safe to load: {error}") from None
    if labels.ndim != 2 or not np.isin(labels, (-1, 0, 1)).all():
        raise ValueError(f"{path}: must hold a matrix of -1, 0 and 1, got shape {labels.shape}.")
    return labels.astype(np.int8)


def _plain_file(path: str | os.PathLike[str]) -> Path:
    try:
        return require_regular_file(path)
    except FileNotFoundError as error:
        raise ValueError(str(error)) from None
