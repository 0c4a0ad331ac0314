"""Tables that are no text, as the rows of a sheet: in memory, records, lines of JSON, Parquet."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from trmml.data.readers.csv_rows import CsvLine, read_sheet
from trmml.data.readers.dataset_files import parse_json
from trmml.data.readers.named_lists import parse_records
from trmml.data.readers.text_files import read_text
from trmml.extras import install_line
from trmml.regular_files import require_regular_file

__all__ = [
    "Sheet",
    "read_rows",
    "rows_in_memory",
    "rows_of_json_lines",
    "rows_of_parquet",
    "rows_of_records",
]

_MISSING: Final = ("nan", "NaT", "<NA>")  # of NumPy and pandas; not all equal themselves

Sheet = tuple[CsvLine, list[CsvLine]]


def read_rows(
    table: Any,  # noqa: ANN401 - a path, or a table of whatever library
    *,
    source: str,
    encoding: str | None = None,
) -> tuple[Sheet, list[str] | None]:
    """Return the rows of a table, wherever it is, and the classes where it says them beside.

    Args:
        table: Path of a file of CSV, JSON, JSON lines or Parquet, or a table in memory.
        source: What to call it in errors.
        encoding: Of a text, as in `read_text`.

    Raises:
        ValueError: If it cannot be read, with the line where there is one.
        ModuleNotFoundError: If it is a Parquet file, and pyarrow is not installed.
    """
    if not isinstance(table, str | os.PathLike):
        return rows_in_memory(table, source=source), None
    suffix = Path(table).suffix.lower()
    if suffix == ".parquet":
        return rows_of_parquet(Path(table), source=source), None
    text = read_text(table, encoding=encoding)
    if suffix == ".json":
        records, stated = parse_records(text, source=source)
        return rows_of_records(records, source=source, first=0), stated
    if suffix in (".jsonl", ".ndjson"):
        return rows_of_json_lines(text, source=source), None
    return read_sheet(text, source=source), None


def rows_in_memory(table: Any, *, source: str) -> Sheet:  # noqa: ANN401 - see below
    """Return the rows of a table of another library, as `read_sheet` returns those of a text.

    Args:
        table: A DataFrame of pandas or polars, a dataset of Hugging Face's `datasets`, a table of
            pyarrow, a mapping of names to columns, or a list of records. None of these is imported.
        source: What to call it in errors.

    Raises:
        ValueError: If it is none of these, or holds pictures where file names should be.
    """
    if isinstance(table, list):
        return rows_of_records(table, source=source, unit="row")
    names = getattr(table, "column_names", getattr(table, "columns", None))
    if names is None and isinstance(table, Mapping):
        names = list(table)
    if isinstance(names, Mapping) or (
        isinstance(table, Mapping) and any(hasattr(one, "column_names") for one in table.values())
    ):
        raise ValueError(f"{source}: holds several splits; give one, such as `table['train']`.")
    if names is None or isinstance(table, str | os.PathLike):
        raise ValueError(
            f"{source} must be a path, a table of pandas, polars, datasets or pyarrow, a mapping "
            f"of columns or a list of records, got {type(table).__name__}."
        )
    headings = [str(name) for name in names]
    if len(set(headings)) < len(headings):
        twice = next(name for name in headings if headings.count(name) > 1)
        raise ValueError(f"{source}: column {twice!r} is there twice; give each its own name.")
    columns = [_values(table[name]) for name in names]
    features = getattr(table, "features", None) or {}
    columns = [
        _with_class_names(values, features.get(name) if isinstance(features, Mapping) else None)
        for name, values in zip(names, columns, strict=True)
    ]
    index = getattr(table, "index", None)
    if index is not None and not callable(index):  # pandas; file names are often the index
        values = _values(index)
        if all(isinstance(value, str) for value in values):
            name = getattr(index, "name", None)
            headings.insert(0, "image" if name is None else str(name))
            columns.insert(0, values)
    cells = [[_cell(value, source) for value in values] for values in columns]
    return _sheet(headings, zip(*cells, strict=True), unit="row")


def rows_of_records(
    records: Sequence[Any], *, source: str, unit: str = "record", first: int = 1
) -> Sheet:
    """Return records, such as those of JSON, as the rows of a sheet.

    Args:
        records: Mappings of headings to values; a value that one lacks is empty.
        source: What to call them in errors.
        unit: What a record is called in errors.
        first: The first one's number.

    Raises:
        ValueError: If one is no mapping.
    """
    for number, record in enumerate(records, start=first):
        if not isinstance(record, Mapping):
            raise ValueError(
                f"{source}: {unit} {number} must be an object with named values, got "
                f"{repr(record)[:80]}."
            )
    headings = list(dict.fromkeys(str(key) for record in records for key in record))
    rows = ([_cell(record.get(name), source) for name in headings] for record in records)
    return _sheet(headings, rows, unit=unit, first=first)


def rows_of_json_lines(text: str, *, source: str) -> Sheet:
    """Return the objects of a text with one on each line, such as `metadata.jsonl`.

    Args:
        text: The whole file.
        source: File to name in errors.

    Raises:
        ValueError: With the line, if it is no JSON or no object.
    """
    records, numbers = [], []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if line.strip():
            numbers.append(number)
            records.append(parse_json(line, source=source, place=f"line {number}"))
            if not isinstance(records[-1], Mapping):
                raise ValueError(
                    f"{source}: line {number} must be an object with named values, got "
                    f"{repr(records[-1])[:80]}."
                )
    head, lines = rows_of_records(records, source=source, unit="line")
    return head, [line._replace(number=n) for n, line in zip(numbers, lines, strict=True)]


def rows_of_parquet(path: Path, *, source: str) -> Sheet:
    """Return the rows of a Parquet file; of pictures within it, only the names are read.

    Args:
        path: The file.
        source: What to call it in errors.

    Raises:
        ValueError: If it is no Parquet file.
        ModuleNotFoundError: If pyarrow is not installed.
    """
    try:
        import pyarrow  # pyright: ignore[reportMissingImports]
        from pyarrow import parquet  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"Parquet files need pyarrow; {install_line('parquet')}", name="pyarrow"
        ) from None
    try:
        schema = parquet.read_schema(require_regular_file(path))
        structs = {field.name for field in schema if pyarrow.types.is_struct(field.type)}
        inside = {name: {one.name for one in schema.field(name).type} for name in structs}
        pictures = {name for name, parts in inside.items() if {"bytes", "path"} <= parts}
        names = [f"{name}.path" if name in pictures else name for name in schema.names]
        table = parquet.read_table(path, columns=names)
    except FileNotFoundError:
        raise ValueError(f"{source}: the file does not exist; check the path.") from None
    except pyarrow.ArrowException as error:
        raise ValueError(f"{source}: no Parquet file that can be read: {error}.") from None
    return rows_in_memory(table, source=source)


def _sheet(
    headings: Sequence[str], rows: Iterable[Iterable[str]], *, unit: str, first: int = 1
) -> Sheet:
    head = CsvLine(0, [heading.strip() for heading in headings], unit)
    lines = [CsvLine(number, list(cells), unit) for number, cells in enumerate(rows, start=first)]
    return head, lines


def _values(column: Any) -> list[Any]:  # noqa: ANN401 - of whatever library
    for name in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, name):
            return list(getattr(column, name)())
    return list(column)


def _with_class_names(values: list[Any], feature: Any) -> list[Any]:  # noqa: ANN401
    """Replace the numbers of a `ClassLabel` of `datasets`, or of a list of such, by the names."""
    inner = getattr(feature, "feature", None)
    names = getattr(inner, "names", None) or getattr(feature, "names", None)
    if names is None:
        return values
    if inner is not None:
        return [None if row is None else [names[one] for one in row] for row in values]
    return [None if one is None or one < 0 else names[one] for one in values]


def _cell(value: Any, source: str) -> str:  # noqa: ANN401 - of whatever library
    """Return a value as a person would have typed it; lists as JSON."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, str):
        return value.strip()
    if value is None or str(value) in _MISSING:
        return ""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping) and isinstance(value.get("path"), str):
        return value["path"]  # a picture of `datasets` that is not decoded
    if hasattr(value, "getbands"):  # a picture of Pillow, without importing it
        if name := getattr(value, "filename", ""):
            return os.fspath(name)
        raise ValueError(
            f"{source}: holds pictures, where file names are needed; save them as files, or, in "
            '`datasets`, try `table.cast_column("image", datasets.Image(decode=False))`.'
        )
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        plain = sorted(value) if isinstance(value, set | frozenset) else value
        return json.dumps(plain, ensure_ascii=False, default=str)
    return str(value)
