"""Your own data: a folder of photographs and a spreadsheet of labels."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Int

from trmml.choices import check_choice, choice_error
from trmml.data.image_table import ImageTable
from trmml.data.readers.cells import cell_values, signed_cells
from trmml.data.readers.csv_rows import CsvLine
from trmml.data.readers.list_cells import names_in_cell
from trmml.data.readers.long_tables import joined_rows
from trmml.data.readers.named_lists import from_records, joined_by_spaces
from trmml.data.readers.present_files import MissingPolicy, keep_present
from trmml.data.readers.reader import Reader, Splits
from trmml.data.readers.reading_options import CellMeaning, ReadingOptions, Separator
from trmml.data.readers.table_columns import (
    SPLIT_HEADINGS,
    TableColumns,
    is_image_name,
    is_unnamed,
    split_names,
    table_columns,
)
from trmml.data.readers.table_rows import read_rows

__all__ = ["READER", "load_table", "splits_of_table"]

_NO_HEADINGS: Final = frozenset({"", "1", "+1", "1.0", "0", "0.0", "-1", "-1.0", "True", "False"})
_NO_SHEETS: Final = frozenset({".xml", ".yaml", ".yml", ".data", ".zip"})
_START: Final = 1 << 16  # bytes in which the headings are


def load_table(
    table: Any,  # noqa: ANN401 - a path, or a table of whatever library
    images: str | os.PathLike[str],
    *,
    zero: CellMeaning = "auto",
    minus_one: CellMeaning = "auto",
    blank: CellMeaning = "auto",
    unlisted: CellMeaning = "auto",
    separator: Separator = "auto",
    ignore: Sequence[str] = (),
    split: str | None = None,
    class_names: Sequence[str] | None = None,
    missing: MissingPolicy = "error",
    encoding: str | None = None,
    transform: Any = None,  # noqa: ANN401 - any callable on a PIL image
) -> ImageTable:
    """Read a folder of photographs and a table of their labels.

    Two layouts are understood, both with a column of file names:

    - a column for each class, named by it in the first row, holding 1, 0, -1, yes, no, True,
      False or nothing;
    - the columns `positives` and, if some labels are known to be absent, `negatives`, holding
      class names as `tree; boat`, `tree|boat` or `["tree", "boat"]`. A column `tags`, `labels`,
      `classes`, `categories`, `keywords` or `objects` with names means the same as `positives`;
      if each cell of it has one name, an image may have several rows.

    File names are in the column whose cells end as those of images do, or whose heading says so
    (`image`, `file_name`, `path` and the like), or else in the first one. They may be absolute,
    addresses, or without the ending of the file. Numbers of rows, as pandas writes them, are no
    class. Of other columns, one that holds a label anywhere is a class; one that holds none is
    left aside, and named in the table's `notes`.

    The columns of a CSV file may be separated by commas, semicolons or tabs, or by what a first
    line `sep=;` names. A JSON file holds a list of records, such as
    `{"image": ..., "positives": [...], "negatives": [...]}`, or an object with that list as
    `"images"` beside `"class_names"`; a file `.jsonl` a record on each line, as the
    `metadata.jsonl` of Hugging Face. Parquet files need `pip install "trmml[parquet]"`.

    What 0, -1 and an empty cell mean differs between people's tables. What is certain is taken:
    an empty cell beside 0, -1 or no is unknown, and 0 without any -1, or -1 without any 0, is
    negative. Where both occur, `minus_one` or `zero` must say which of them is unknown; where
    nothing but 1 and empty cells occurs, `blank` must. In the second layout, a class that an image
    does not list is unknown if there are `negatives`; if not, `unlisted` must say what it is.

    Args:
        table: A CSV, JSON, JSON-lines or Parquet file, text in UTF-8 (with or without a mark) or
            UTF-16 with a mark; or a table in memory, see `rows_in_memory`.
        images: Folder the file names are relative to.
        zero: What 0 means, see above.
        minus_one: What -1 means, see above.
        blank: What an empty cell means, see above.
        unlisted: What a class is that an image does not list, see above.
        separator: What separates names in a cell beside `;` and `|`: "comma" or "space".
        ignore: Columns to leave aside without a note, whatever they hold.
        split: Read the rows with this name in the column `split`; None reads all.
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
        ModuleNotFoundError: For a Parquet file, if pyarrow is not installed.
    """
    of_cells: dict[str, CellMeaning] = {"zero": zero, "minus_one": minus_one, "blank": blank}
    for argument, value in {**of_cells, "unlisted": unlisted}.items():
        check_choice(value, CellMeaning, argument=argument)
    check_choice(separator, Separator, argument="separator")
    check_choice(missing, MissingPolicy, argument="missing")
    source = str(table) if isinstance(table, str | os.PathLike) else "`table`"
    (head, lines), stated = read_rows(table, source=source, encoding=encoding)
    class_names = class_names if class_names is not None else stated
    _check_head(head, lines, source)
    columns = table_columns(head, lines, ignore=ignore, source=source)
    lines, notes = joined_rows(columns, lines, source=source)
    notes += _notes_on_columns(columns, head)
    names = _file_names(columns.names, lines, source)
    if columns.lists:
        _check_unused(of_cells, "a column for each class", source)
        records = _records(columns, lines, separator, source)
        labels, found_classes = from_records(
            records, source=source, unlisted=unlisted, class_names=class_names
        )
        if separator == "auto" and (name := joined_by_spaces(found_classes)) is not None:
            notes.append(
                f'{name!r} counts as one class; if it is several, say `separator="space"`, on the '
                "command line `--read separator=space`"
            )
    else:
        of_lists: dict[str, str] = {"unlisted": unlisted, "separator": separator}
        _check_unused(of_lists, "lists of class names", source)
        _check_classes(columns, head, lines, source)
        classes = [head.cells[place] for place in columns.labels]
        places = (columns.names, *columns.labels)
        cells = [line._replace(cells=[line.cells[place] for place in places]) for line in lines]
        values = cell_values(classes, cells, source=source)
        labels, noticed = signed_cells(
            values, **of_cells, columns=classes, lines=cells, source=source
        )
        notes += noticed
        found_classes, labels = _chosen(classes, labels, class_names, source)
    if split is not None:
        rows, noticed = _rows_of_split(split, columns, lines, source)
        notes += noticed
        names, labels = [names[row] for row in rows], labels[rows]
    names, labels = keep_present(names, labels, images, missing=missing, source=source)
    return ImageTable(images, names, labels, found_classes, transform=transform, notes=notes)


def _notes_on_columns(columns: TableColumns, head: CsvLine) -> list[str]:
    if not columns.aside:
        return []
    aside = ", ".join(head.cells[place] for place in columns.aside)
    return [f"left aside, since no label is in them: the columns {aside}"]


def _check_unused(options: Mapping[str, str], layout: str, source: str) -> None:
    for argument, value in options.items():
        if value != "auto":
            raise ValueError(
                f"{source}: `{argument}` is for tables with {layout}, which this one has not; "
                "leave it out."
            )


def _check_head(head: CsvLine, lines: Sequence[CsvLine], source: str) -> None:
    _, *others = head.cells
    if is_image_name(head.cells[0]) or (others and all(cell in _NO_HEADINGS for cell in others)):
        raise ValueError(
            f"{source}: the first line must name the columns, got the row "
            f"{','.join(head.cells)!r}; add a line with `image` and the name of each class."
        )
    for heading in head.cells:
        if heading and head.cells.count(heading) > 1:
            raise ValueError(
                f"{source}: column {heading!r} is there twice; every class needs its own name."
            )
    if not lines:
        raise ValueError(f"{source}: there is no row below the column names.")


def _check_classes(
    columns: TableColumns, head: CsvLine, lines: Sequence[CsvLine], source: str
) -> None:
    if not columns.labels:
        shown = [
            f"column {head.cells[place]!r} has {next(filter(None, cells))!r}"
            for place in columns.aside[:5]
            if any(cells := [line.cells[place] for line in lines])
        ]
        found = f" ({', '.join(shown)})" if shown else ""
        raise ValueError(
            f"{source}: no column holds labels{found}; a class "
            "is a column of 1, 0, yes, no or nothing, or a name in a column `tags`."
        )
    for name in (head.cells[place] for place in columns.labels):
        if not name or is_unnamed(name):
            raise ValueError(f"{source}: column {name!r} has no name; every class needs its own.")


def _file_names(place: int, lines: Sequence[CsvLine], source: str) -> list[str]:
    seen: dict[str, str] = {}
    again: list[str] = []
    for line in lines:
        name = line.cells[place]
        if not name:
            raise ValueError(f"{source}: {line.place} has no file name.")
        if name in seen:
            again.append(f"{name!r} is in {seen[name]} and again in {line.place}")
        seen.setdefault(name, line.place)
    if again:
        more = f" (and {len(again) - 20} more)" if len(again) > 20 else ""
        raise ValueError(f"{source}: {'; '.join(again[:20])}{more}; keep one.")
    return list(seen)


def _rows_of_split(
    split: str, columns: TableColumns, lines: Sequence[CsvLine], source: str
) -> tuple[list[int], list[str]]:
    place = columns.split
    if place is None:
        raise ValueError(f"{source}: has no column `split`; leave `split` out.")
    splits = split_names(columns, lines)
    if split not in splits:
        raise ValueError(f"{source}: {choice_error(split, splits, argument='split')}")
    rows = [row for row, line in enumerate(lines) if line.cells[place] == split]
    without = sum(not line.cells[place] for line in lines)
    return rows, [f"{without:,} rows have no split, and are in none"] if without else []


def _records(
    columns: TableColumns, lines: Sequence[CsvLine], separator: Separator, source: str
) -> list[dict[str, Any]]:
    return [
        {
            "where": line.place,
            **{
                kind: names_in_cell(
                    line.cells[place], separator=separator, source=source, place=line.place
                )
                for kind, place in zip(columns.lists, columns.labels, strict=True)
            },
        }
        for line in lines
    ]


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


def splits_of_table(
    path: Path, images: Path, reading: ReadingOptions, *, name: str | None = None
) -> Splits:
    """Name the splits of a table's file, each with a function that reads it.

    Args:
        path: The file.
        images: Folder of the images.
        reading: What the file leaves open.
        name: Of the whole; the file's by default. Names of its column `split` come after it.
    """
    name = path.name if name is None else name
    load = partial(load_table, path, images, missing="keep", **reading.given())
    splits = _splits_of_file(path, reading)
    return {f"{name}/{one}": partial(load, split=one) for one in splits} or {name: load}


def _find(path: Path, images: Path, reading: ReadingOptions) -> Splits:
    if not path.is_file() or path.suffix.lower() in _NO_SHEETS:
        return {}
    return splits_of_table(path, images, reading)


def _splits_of_file(path: Path, reading: ReadingOptions) -> list[str]:
    """Return the names in a file's column of splits; of most files, only the start is read."""
    if path.suffix.lower() != ".parquet":
        with path.open("rb") as file:
            start = file.read(_START).replace(b"\0", b"").lower()
        if not any(heading.encode() in start for heading in SPLIT_HEADINGS):
            return []
    try:
        (head, lines), _ = read_rows(path, source=str(path), encoding=reading.encoding)
        columns = table_columns(head, lines, ignore=reading.ignore, source=str(path))
    except ValueError:
        return []  # `load_table` says what is wrong
    return split_names(columns, lines)


READER: Final = Reader(
    _find,
    options=frozenset(
        {"zero", "minus_one", "blank", "unlisted", "separator", "ignore", "encoding"}
    ),
)
"""Any single file that is nothing else."""
