"""CSV as programs and people write it: strict where a guess would lose a row."""

import csv
import io
import string
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

__all__ = ["CsvLine", "read_sheet", "strict_rows"]

_SEPARATORS: Final = (",", ";", "\t")
_SAMPLE: Final = 50  # rows that tell how a sheet is separated


class CsvLine(NamedTuple):
    """A row of a sheet.

    Attributes:
        number: The line that it starts in, counted from 1.
        cells: Its cells, without blanks around them.
        unit: What is counted: lines of a text, or rows of a table.
    """

    number: int
    cells: list[str]
    unit: str = "line"

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"{self.unit} {self.number}"


def strict_rows(lines: Iterable[str], *, source: str, delimiter: str = ",") -> Iterator[CsvLine]:
    """Yield the rows of a CSV text, which may be larger than memory.

    Args:
        lines: The text's lines with their ends, such as an open file.
        source: File to name in errors.
        delimiter: What separates cells.

    Raises:
        ValueError: With the line, if a quotation mark is not closed or stands where none may.
    """
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    number = 1
    try:
        for cells in rows:
            yield CsvLine(number, [cell.strip() for cell in cells])
            number = rows.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"{source}: line {number} is no CSV: {error}; a cell with a quotation mark in it must "
            'stand in quotation marks, with each one inside doubled: "5"" disk".'
        ) from None


def read_sheet(text: str, *, source: str) -> tuple[CsvLine, list[CsvLine]]:
    r"""Read a sheet whose first row names its columns.

    Cells are separated by commas, semicolons or tabs: by what a first line `sep=;` says, else by
    that which gives most rows as many cells as the first row has. Rows and columns without any
    content, which spreadsheet programs add at the end, are no part of it.

    Args:
        text: The whole file.
        source: File to name in errors.

    Returns:
        The first row, which has two cells or more, and those below it, all of that length.

    Raises:
        ValueError: With the line, if it is no CSV, has too few columns, or uneven rows.

    Examples:
        >>> head, rows = read_sheet("sep=;\nimage;cat, wild;\na.jpg;1;\n", source="labels.csv")
        >>> head.cells, [(row.place, row.cells) for row in rows]
        (['image', 'cat, wild'], [('line 3', ['a.jpg', '1'])])
    """
    if not text.strip("".join(_SEPARATORS) + string.whitespace):
        raise ValueError(f"{source}: there is nothing but separators.")
    lines = io.StringIO(text, newline=None).readlines()
    first, stated = next(((at, line) for at, line in enumerate(lines) if line.strip()), (0, ""))
    mark = stated.strip().strip('"').lower()
    if mark.startswith("sep=") and len(mark) <= len("sep=") + 1:
        lines[first] = "\n"
        delimiter = stated.strip("\r\n").strip('"')[len("sep=") :] or "\t"
    else:
        delimiter = max(_SEPARATORS, key=lambda one: _fit(lines, one))
    rows = [row for row in strict_rows(lines, source=source, delimiter=delimiter) if any(row.cells)]
    width = max(_filled(row.cells) for row in rows)
    width = max(width, len(_without_blank_end(rows[0].cells)))
    head = CsvLine(rows[0].number, rows[0].cells[:width])
    if len(head.cells) < 2:
        shown = lines[head.number - 1].strip()
        raise ValueError(
            f"{source}: the first line must name the columns, file name first, separated by "
            f"commas, semicolons or tabs, got {shown!r}."
        )
    for row in rows:
        if len(row.cells[:width]) != len(head.cells):
            raise ValueError(
                f"{source}: line {row.number} has {len(row.cells)} cells, the first line "
                f"{len(head.cells)}; quote cells that contain the separator {delimiter!r}."
            )
    return head, [CsvLine(row.number, row.cells[:width]) for row in rows[1:]]


def _fit(lines: list[str], delimiter: str) -> tuple[int, int]:
    """Return how many of the first rows are as long as the first one, and how long that is."""
    sample = []
    try:
        for row in strict_rows(lines, source="", delimiter=delimiter):
            if any(row.cells):
                sample.append(len(_without_blank_end(row.cells)))
            if len(sample) == _SAMPLE:
                break
    except ValueError:
        pass  # of a sheet that is wrong in any reading, the rows before the fault decide
    if not sample or sample[0] < 2:
        return 0, 0
    # A blank last cell counts as a label that is not known, in a row that is not shorter for it.
    return sum(1 < length <= sample[0] for length in sample), sample[0]


def _without_blank_end(cells: list[str]) -> list[str]:
    return cells[: _filled(cells)]


def _filled(cells: list[str]) -> int:
    return max((at for at, cell in enumerate(cells, start=1) if cell), default=0)
