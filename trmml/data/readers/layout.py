"""Find a dataset's files, and say what was expected where one is not there."""

import csv
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from trmml.data.readers.text_files import read_text

__all__ = ["check_first_image", "multi_hot", "read_csv_rows", "read_json", "read_lines", "require"]


def require(*candidates: Path, what: str) -> Path:
    """Return the first path that exists.

    Raises:
        ValueError: If none does, with all that were tried.
    """
    for path in candidates:
        if path.exists():
            return path
    tried = " or ".join(map(str, candidates))
    raise ValueError(f"{tried}: {what} is not there; check the folder and its layout.")


def check_first_image(root: str | os.PathLike[str], names: Sequence[str], *, source: str) -> None:
    """Refuse a dataset whose first image is missing: the folder is wrong, or not unpacked.

    Raises:
        ValueError: If there are no rows, or the first one has no file.
    """
    if not names:
        raise ValueError(f"{source}: there is no row.")
    if not (Path(root) / names[0]).is_file():
        raise ValueError(
            f"{Path(root) / names[0]}: the first image of {source} is not there; check the image "
            "folder, and that its archive is unpacked."
        )


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file that hold something, without blanks around them."""
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return the content of a JSON file.

    Raises:
        ValueError: If the file is missing, or no JSON, with the line.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: line {error.lineno} is no JSON: {error.msg}.") from None


def read_csv_rows(path: Path) -> Iterator[list[str]]:
    """Yield the rows of a CSV file, which may be larger than memory."""
    require(path, what="this table")
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.reader(file)


def multi_hot(
    positives: Sequence[Sequence[int]], num_classes: int, *, elsewhere: int = -1
) -> Int[np.ndarray, "rows classes"]:
    """Return labels with +1 at each row's positive classes and one value elsewhere."""
    labels = np.full((len(positives), num_classes), elsewhere, dtype=np.int8)
    for row, classes in enumerate(positives):
        labels[row, list(classes)] = 1
    return labels
