"""Your own data: a folder of photographs and a spreadsheet of labels."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Int

from trmml.choices import check_choice
from trmml.data.image_table import ImageTable
from trmml.data.readers.cells import CELLS, cell_values, signed_cells
from trmml.data.readers.csv_rows import CsvLine, read_sheet
from trmml.data.readers.named_lists import from_records
from trmml.data.readers.present_files import MissingPolicy, keep_present
from trmml.data.readers.reader import Reader, Splits
from trmml.data.readers.reading_options import CellMeaning, ReadingOptions
from trmml.data.readers.text_files import read_text

__all__ = ["READER", "load_table"]

_LIST_COLUMNS = ("positives", "negatives")


def load_table(
    table: str | os.PathLike[str],
    images: str | os.PathLike[str],
    *,
    zero: CellMeaning = "auto",
    minus_one: CellMeaning = "auto",
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

    The columns may be separated by commas, semicolons or tabs, or by what a first line `sep=;`
    names. A JSON file holds the second layout: a list of
    `{"image": ..., "positives": [...], "negatives": [...]}`, or an object with that list as
    `"images"` beside `"class_names"`.

    What 0, -1 and an empty cell mean differs between people's tables. What is certain is taken:
    an empty cell beside 0 or -1 is unknown, and 0 without any -1, or -1 without any 0, is
    negative. Where both occur, `minus_one` or `zero` must say which of them is unknown; where
    nothing but 1 and empty cells occurs, `blank` must. In the second layout, a class that an image
    does not list is unknown if there are `negatives`; if not, `unlisted` must say what it is.

    Args:
        table: A CSV or JSON file, in UTF-8 (with or without a mark) or UTF-16 with a mark.
        images: Folder the file names are relative to.
        zero: What 0 means, see above.
        minus_one: What -1 means, see above.
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
            what is left open; or if an option is none of its choices, or of the other layout.
    """
    of_cells: dict[str, CellMeaning] = {"zero": zero, "minus_one": minus_one, "blank": blank}
    for argument, value in {**of_cells, "unlisted": unlisted}.items():
        check_choice(value, CellMeaning, argument=argument)
    check_choice(missing, MissingPolicy, argument="missing")
    text = read_text(table, encoding=encoding)
    source, notes = str(table), list[str]()
    is_json = Path(table).suffix.lower() == ".json"
    head, lines = (None, []) if is_json else read_sheet(text, source=source)
    if head is None or _is_list(head):
        _check_unused(of_cells, "a column for each class", source)
        records = text if head is None else _listed(head, lines, source)
        names, labels, found_classes = from_records(
            records, source=source, unlisted=unlisted, class_names=class_names
        )
    else:
        _check_unused({"unlisted": unlisted}, "lists of class names", source)
        _check_columns(head, lines, source)
        columns = head.cells[1:]
        values = cell_values(columns, lines, source=source)
        labels, notes = signed_cells(
            values, **of_cells, columns=columns, lines=lines, source=source
        )
        found_classes, labels = _chosen(columns, labels, class_names, source)
        names = _file_names(lines, source)
    names, labels = keep_present(names, labels, images, missing=missing, source=source)
    return ImageTable(images, names, labels, found_classes, transform=transform, notes=notes)


def _is_list(head: CsvLine) -> bool:
    return any(column.lower() in _LIST_COLUMNS for column in head.cells[1:])


def _check_unused(options: dict[str, CellMeaning], layout: str, source: str) -> None:
    for argument, value in options.items():
        if value != "auto":
            raise ValueError(
                f"{source}: `{argument}` is for tables with {layout}, which this one has not; "
                "leave it out."
            )


def _check_columns(head: CsvLine, lines: Sequence[CsvLine], source: str) -> None:
    if all(column in CELLS for column in head.cells[1:]):
        raise ValueError(
            f"{source}: the first line must name the columns, got the labels "
            f"{','.join(head.cells)!r}; add a line with `image` and the name of each class."
        )
    for column in head.cells[1:]:
        if not column or head.cells.count(column) > 1:
            what = "is there twice" if column else "has no name"
            raise ValueError(f"{source}: column {column!r} {what}; every class needs its own name.")
    if not lines:
        raise ValueError(f"{source}: there is no row below the column names.")


def _file_names(lines: Sequence[CsvLine], source: str) -> list[str]:
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


def _listed(head: CsvLine, lines: Sequence[CsvLine], source: str) -> list[dict[str, Any]]:
    header = head.cells
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


_NO_SHEETS = frozenset({".xml", ".yaml", ".yml", ".data", ".zip"})


def _find(path: Path, images: Path, reading: ReadingOptions) -> Splits:
    if not path.is_file() or path.suffix.lower() in _NO_SHEETS:
        return {}
    return {path.name: partial(load_table, path, images, missing="keep", **reading.given())}


READER: Final = Reader(
    _find, options=frozenset({"zero", "minus_one", "blank", "unlisted", "encoding"})
)
"""Any single file that is nothing else."""
