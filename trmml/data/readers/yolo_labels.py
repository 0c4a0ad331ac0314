"""The text files of YOLO, one for each image: which there are, and which classes they hold."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int

from trmml.data.readers.dataset_files import multi_hot

__all__ = ["WithoutFile", "label_beside", "read_yolo_labels"]

WithoutFile = Literal["negative", "unknown", "drop"]

_MEANING = {
    "negative": "count as showing nothing",
    "unknown": "count as unknown",
    "drop": "are left out",
}


def label_beside(image: Path) -> Path:
    """Return the text file of an image by Ultralytics' rule, or the one beside it.

    The last folder `images` becomes `labels`, and the ending `.txt`.

    Args:
        image: Path of the image.
    """
    *folders, name = image.parts
    if "images" not in folders:
        return image.with_suffix(".txt")
    last = len(folders) - 1 - folders[::-1].index("images")
    by_rule = Path(*folders[:last], "labels", *folders[last + 1 :], name).with_suffix(".txt")
    beside = image.with_suffix(".txt")
    return beside if not by_rule.is_file() and beside.is_file() else by_rule


def read_yolo_labels(
    files: Sequence[Path], num_classes: int, *, without_file: WithoutFile, source: str
) -> tuple[list[int], Int[np.ndarray, "rows classes"], list[str]]:
    """Read the text file of each image.

    Args:
        files: Of each image, whether they are there or not.
        num_classes: How many classes there are.
        without_file: What an image without a text file is.
        source: Where the files are, for the error.

    Returns:
        The images that are kept, their labels, and notes.

    Raises:
        ValueError: If not one of the files is there, or a line is malformed, with its number.
    """
    there = [file.is_file() for file in files]
    if not any(there):
        raise ValueError(f"{source}: not one of the {len(files)} images has a text file there.")
    kept = [row for row, known in enumerate(there) if known or without_file != "drop"]
    classes = [_classes(files[row], num_classes) if there[row] else [] for row in kept]
    labels = multi_hot(classes, num_classes)
    if without_file == "unknown":
        labels[[not there[row] for row in kept]] = 0
    return kept, labels, _notes(files, there, without_file)


def _notes(files: Sequence[Path], there: list[bool], without_file: WithoutFile) -> list[str]:
    absent = [file for file, known in zip(files, there, strict=True) if not known]
    if not absent:
        return []
    listed = {
        folder: {name.casefold(): name for name in (os.listdir(folder) if folder.is_dir() else ())}  # noqa: PTH208 - names
        for folder in {file.parent for file in absent}
    }
    near = [listed[file.parent].get(file.name.casefold()) for file in absent]
    otherwise = [name for name in near if name is not None]
    spelt = (
        f"; {len(otherwise):,} of them have one that is spelt otherwise, such as {otherwise[0]}, "
        "which is not read: rename it"
        if otherwise
        else ""
    )
    change = " (`without_file=unknown` if they are not yet labelled)"
    return [
        f"{len(absent):,} of {len(files):,} images have no text file and {_MEANING[without_file]}"
        f"{change if without_file == 'negative' else ''}{spelt}"
    ]


def _classes(file: Path, num_classes: int) -> list[int]:
    text = file.read_bytes().decode("utf-8-sig", "replace")  # an empty file is meant
    found = set()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        first = line.split()[0]
        whole, point, rest = first.partition(".")  # some tools write every number as 1.0
        good = whole.isascii() and whole.isdecimal() and not rest.strip("0")
        if not good or (point and not rest) or len(whole) > 9 or int(whole) >= num_classes:
            raise ValueError(
                f"{file}: line {number} must start with a class from 0 to {num_classes - 1}, got "
                f"{line.strip()[:80]!r}."
            )
        found.add(int(whole))
    return sorted(found)
