"""Find a dataset's files, and say what was expected where one is not there."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from trmml.data.readers.csv_rows import strict_rows
from trmml.data.readers.text_files import read_text
from trmml.regular_files import require_regular_file

__all__ = [
    "multi_hot",
    "parse_json",
    "read_csv_rows",
    "read_json",
    "read_lines",
    "require",
    "require_rows",
]


def require(*candidates: Path, what: str) -> Path:
    """Return the first path that exists, of a file or a folder.

    Raises:
        ValueError: If none does, with all that were tried, or if it is a pipe or a device.
    """
    for path in candidates:
        if path.exists():
            return path if path.is_dir() else require_regular_file(path)
    tried = " or ".join(dict.fromkeys(map(str, candidates)))
    raise ValueError(f"{tried}: {what} is not there; check the folder and its layout.")


def require_rows(names: Sequence[str], *, source: str) -> None:
    """Refuse a dataset without rows; the images themselves need not be there to use the labels.

    Raises:
        ValueError: If there is no row.
    """
    if not names:
        raise ValueError(f"{source}: there is no row.")


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file that hold something, without blanks around them."""
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return the content of a JSON file.

    Raises:
        ValueError: If the file is missing, or no JSON, with the line.
    """
    return parse_json(read_text(path), source=str(path))


def parse_json(text: str, *, source: str, place: str = "line {line}") -> Any:  # noqa: ANN401
    """Return what a JSON text says.

    Args:
        text: The text.
        source: File to name in errors.
        place: How to name a place in it, of `line` and `column`.

    Raises:
        ValueError: If it is no JSON, with the place, or is too deep or too large to be read.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = place.format(line=error.lineno, column=error.colno)
        raise ValueError(f"{source}: {where} is no JSON: {error.msg}.") from None
    except (RecursionError, ValueError) as error:
        deep = isinstance(error, RecursionError)
        reason = "lists within lists without end" if deep else str(error)
        raise ValueError(f"{source}: no JSON that can be read: {reason}.") from None


def read_csv_rows(path: Path) -> Iterator[list[str]]:
    """Yield the rows of a CSV file, which may be larger than memory.

    Raises:
        ValueError: If the file is missing, not in UTF-8, or no CSV, with the line.
    """
    require_regular_file(require(path, what="this table"))
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            yield from (row.cells for row in strict_rows(file, source=str(path)))
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: no CSV in UTF-8: {error}.") from None


def multi_hot(
    positives: Sequence[Sequence[int]], num_classes: int, *, elsewhere: int = -1
) -> Int[np.ndarray, "rows classes"]:
    """Return labels with +1 at each row's positive classes and one value elsewhere."""
    labels = np.full((len(positives), num_classes), elsewhere, dtype=np.int8)
    for row, classes in enumerate(positives):
        labels[row, list(classes)] = 1
    return labels
