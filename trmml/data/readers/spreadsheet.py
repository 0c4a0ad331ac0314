"""Your own data: a folder of photographs and a spreadsheet of labels."""

import csv
import io
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Int

from trmml.choices import check_choice
from trmml.data.image_table import ImageTable
from trmml.data.readers.named_lists import from_records
from trmml.data.readers.present_files import MissingPolicy, keep_present
from trmml.data.readers.reader import Reader, Splits
from trmml.data.readers.reading_options import CellMeaning, ReadingOptions
from trmml.data.readers.text_files import read_text

__all__ = ["READER", "load_table"]

_LIST_COLUMNS = ("positives", "negatives")
_BLANK = 2
_CELLS = {"1": 1, "+1": 1, "1.0": 1, "0": 0, "0.0": 0, "-1": -1, "-1.0": -1, "": _BLANK}


class _Line(NamedTuple):
    number: int
    cells: list[str]


def load_table(
    table: str | os.PathLike[str],
    images: str | os.PathLike[str],
    *,
    zero: CellMeaning = "auto",
    blank: CellMeaning = "auto",
    unlisted: CellMeaning = "auto",
    class_names: Sequence[str] | None = None,
    missing: MissingPolicy = "error",
    encoding: str | None = None,
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read a folder of photographs and a table of their labels.

    Two layouts are understood, both with the image's file name in the first column:

    - a column for each class, named by it in the first row, holding 1, 0, -1 or nothing;
    - the columns `positives` and, if some labels are known to be absent, `negatives`, holding
      class names separated by `;` or `|`.

    The columns may be separated by commas, semicolons or tabs. A JSON file holds the second
    layout: a list of `{"image": ..., "positives": [...], "negatives": [...]}`, or an object with
    that list as `"images"` beside `"class_names"`.

    What 0 and an empty cell mean differs between people's tables:

    | `zero` | 0 means |
    |---|---|
    | `"auto"` | unknown where the table has a -1 anywhere, otherwise negative |
    | `"negative"`, `"unknown"` | that |

    An empty cell is unknown, unless `blank="negative"`. Where that leaves no negative label in the
    whole table, the reader asks instead of guessing. In the second layout, a class that an image
    does not list is unknown if there are `negatives`; if not, `unlisted` must say what it is.

    Args:
        table: A CSV or JSON file, in UTF-8 (with or without a mark) or UTF-16 with a mark.
        images: Folder the file names are relative to.
        zero: What 0 means, see above.
        blank: What an empty cell means, see above.
        unlisted: What a class is that an image does not list, see above.
        class_names: Classes to read, in this order; by default all columns in their order, or
            all listed names in alphabetical order.
        missing: What a file name without a file does: `"error"`, `"drop"` its row, or `"keep"`
            it, to use the labels alone.
        encoding: The table's encoding, if it is neither UTF-8 nor marked.
        transform: Callable on a decoded image.

    Returns:
        A dataset of `(image, labels)`, labels in -1, 0, +1.

    Raises:
        ValueError: With the file, the line and the column where there is one: unreadable tables,
            other values, rows too short or long, images listed twice or missing, unknown classes;
            or if an option is none of its choices.
    """
    for argument, value in (("zero", zero), ("blank", blank), ("unlisted", unlisted)):
        check_choice(value, CellMeaning, argument=argument)
    check_choice(missing, MissingPolicy, argument="missing")
    text = read_text(table, encoding=encoding)
    if Path(table).suffix.lower() == ".json":
        names, labels, found_classes = from_records(
            text, source=str(table), unlisted=unlisted, class_names=class_names
        )
    else:
        header, lines = _split(text, str(table))
        if any(column.lower() in _LIST_COLUMNS for column in header[1:]):
            records = _listed(header, lines, str(table))
            names, labels, found_classes = from_records(
                records, source=str(table), unlisted=unlisted, class_names=class_names
            )
        else:
            values = _values(header, lines, str(table))
            labels = _meanings(values, zero=zero, blank=blank, source=str(table))
            found_classes, labels = _chosen(header[1:], labels, class_names, str(table))
            names = _file_names(lines, str(table))
    names, labels = keep_present(names, labels, images, missing=missing, source=str(table))
    return ImageTable(images, names, labels, found_classes, transform=transform)


def _split(text: str, source: str) -> tuple[list[str], list[_Line]]:
    first = next(line for line in text.splitlines() if line.strip())
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter)
    try:
        rows = [_Line(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise ValueError(f"{source}: line {reader.line_num} is no CSV: {error}.") from None
    rows = [row for row in rows if any(row.cells)]
    if not rows:
        raise ValueError(f"{source}: there is nothing but separators.")
    header, lines = rows[0].cells, rows[1:]
    if len(header) < 2:
        raise ValueError(
            f"{source}: the first line must name the columns, file name first, separated by "
            f"commas, semicolons or tabs, got {first!r}."
        )
    if all(column in _CELLS for column in header[1:]):
        raise ValueError(
            f"{source}: the first line must name the columns, got the labels {first!r}; add a line "
            "with `image` and the name of each class."
        )
    for column in header[1:]:
        if not column or header.count(column) > 1:
            what = "is there twice" if column else "has no name"
            raise ValueError(f"{source}: column {column!r} {what}; every class needs its own name.")
    if not lines:
        raise ValueError(f"{source}: there is no row below the column names.")
    for line in lines:
        if len(line.cells) != len(header):
            raise ValueError(
                f"{source}: line {line.number} has {len(line.cells)} cells, the first line "
                f"{len(header)}; quote cells that contain the separator {delimiter!r}."
            )
    return header, lines


def _file_names(lines: list[_Line], source: str) -> list[str]:
    seen: dict[str, int] = {}
    again: list[str] = []
    for number, (name, *_) in lines:
        if not name:
            raise ValueError(f"{source}: line {number} has no file name.")
        if name in seen:
            again.append(f"{name!r} is in line {seen[name]} and again in line {number}")
        seen.setdefault(name, number)
    if again:
        more = f" (and {len(again) - 20} more)" if len(again) > 20 else ""
        raise ValueError(f"{source}: {'; '.join(again[:20])}{more}; keep one.")
    return list(seen)


def _values(header: list[str], lines: list[_Line], source: str) -> Int[np.ndarray, "rows classes"]:
    values = np.empty((len(lines), len(header) - 1), dtype=np.int8)
    for row, line in enumerate(lines):
        for column, cell in enumerate(line.cells[1:]):
            if cell not in _CELLS:
                raise ValueError(
                    f"{source}: line {line.number}, column {header[column + 1]!r}: a label must be "
                    f"1, 0, -1 or empty, got {cell!r}."
                )
            values[row, column] = _CELLS[cell]
    return values


def _meanings(
    values: Int[np.ndarray, "rows classes"], *, zero: str, blank: str, source: str
) -> Int[np.ndarray, "rows classes"]:
    if zero == "auto":
        zero = "unknown" if (values == -1).any() else "negative"
    here = {"negative": -1, "unknown": 0}
    labels = values.copy()
    labels[values == 0] = here[zero]
    labels[values == _BLANK] = here["unknown" if blank == "auto" else blank]
    if blank == "auto" and (values == _BLANK).any() and not (labels == -1).any():
        raise ValueError(
            f"{source}: no label is negative; if an empty cell means negative, pass "
            '`blank="negative"`, and if it really means unknown, `blank="unknown"`.'
        )
    return labels


def _chosen(
    columns: list[str],
    labels: Int[np.ndarray, "rows classes"],
    class_names: Sequence[str] | None,
    source: str,
) -> tuple[list[str], Int[np.ndarray, "rows chosen"]]:
    if class_names is None:
        return columns, labels
    unknown = [name for name in class_names if name not in columns]
    if unknown:
        raise ValueError(
            f"{source}: there is no column {', '.join(map(repr, unknown))}; the columns are "
            f"{', '.join(columns)}."
        )
    return list(class_names), labels[:, [columns.index(name) for name in class_names]]


def _listed(header: list[str], lines: list[_Line], source: str) -> list[dict[str, Any]]:
    columns = [column.lower() for column in header]
    other = [
        name for name, low in zip(header[1:], columns[1:], strict=True) if low not in _LIST_COLUMNS
    ]
    if other or "positives" not in columns:
        raise ValueError(
            f"{source}: beside the file name there must be the columns positives and, if wanted, "
            f"negatives, got {', '.join(header[1:])}."
        )
    names = _file_names(lines, source)
    records = []
    for name, line in zip(names, lines, strict=True):
        cells = dict(zip(columns[1:], line.cells[1:], strict=True))
        split = {
            key: [part.strip() for part in cell.replace("|", ";").split(";") if part.strip()]
            for key, cell in cells.items()
        }
        records.append({"image": name, **split, "where": f"line {line.number}"})
    return records


def _find(path: Path, images: Path, reading: ReadingOptions) -> Splits:
    if not path.is_file():
        return {}
    return {path.name: partial(load_table, path, images, missing="keep", **reading.given())}


READER: Final = Reader(_find, options=frozenset({"zero", "blank", "unlisted", "encoding"}))
"""Any single file that is nothing else."""
