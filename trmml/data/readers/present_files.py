"""Compare a table's file names with the files that are there."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int

from trmml.data.file_names import other_case
from trmml.data.image_formats import IMAGE_SUFFIXES
from trmml.data.readers.image_addresses import files_of_addresses
from trmml.data.visible_files import visible_files

__all__ = ["MissingPolicy", "keep_present"]

MissingPolicy = Literal["error", "drop", "keep"]


def keep_present(
    names: Sequence[str],
    labels: Int[np.ndarray, "rows classes"],
    root: str | os.PathLike[str],
    *,
    missing: MissingPolicy,
    source: str,
) -> tuple[list[str], Int[np.ndarray, "kept classes"]]:
    """Return the rows to use, with names as the files are spelt; see `files_of_addresses`.

    A name without an ending is that of the only image that has it before its ending.

    Args:
        names: File names of the rows.
        labels: Their labels.
        root: Folder of the files.
        missing: What a name without a file does: raise, lose its row, or stay.
        source: Table to name in errors.

    Raises:
        ValueError: If the folder does not exist, no file of the table does, or one is missing and
            `missing="error"`, with a list of the first ones.
    """
    names = _with_endings(files_of_addresses(names, root), root)
    if missing == "keep":
        return names, labels
    if not Path(root).is_dir():
        raise ValueError(f"{root}: the image folder does not exist; check the path.")
    absent = [row for row, name in enumerate(names) if not os.path.isfile(os.path.join(root, name))]  # noqa: PTH113, PTH118 - a third of the time of Path for 100,000 files
    if not absent:
        return names, labels
    first = ", ".join(names[row] for row in absent[:5])
    if len(absent) == len(names):
        raise ValueError(
            f"{source}: not one of its {len(names)} images is in {root}, first {first}; check the "
            "folder of images and the names."
        )
    if missing == "error":
        near = other_case(names[absent[0]], root)
        hint = "" if near is None else f" (there is {near}, but capital letters count here)"
        raise ValueError(
            f"{source}: {len(absent)} of {len(names)} images are missing in {root}: {first}"
            f"{', ...' if len(absent) > 5 else ''}{hint}; correct the names, or pass "
            '`missing="drop"` to leave their rows out.'
        )
    kept = np.setdiff1d(np.arange(len(names)), absent)
    return [names[row] for row in kept], labels[kept]


def _with_endings(names: Sequence[str], root: str | os.PathLike[str]) -> list[str]:
    listed: dict[Path, dict[str, list[str]]] = {}
    return [
        name
        if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - a third of the time of Path
        else _with_ending(name, Path(root), listed)
        for name in names
    ]


def _with_ending(name: str, root: Path, listed: dict[Path, dict[str, list[str]]]) -> str:
    path = root / name
    if path.is_file():
        return name
    if path.parent not in listed:
        stems = listed.setdefault(path.parent, {})
        for file in visible_files(path.parent):
            if file.suffix.lower() in IMAGE_SUFFIXES:
                stems.setdefault(file.stem, []).append(file.suffix)
    endings = listed[path.parent].get(path.name, [])
    return name + endings[0] if len(endings) == 1 else name
