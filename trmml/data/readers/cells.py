"""What the cells of a table of labels mean: only what is certain is taken, the rest is asked."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Int

from trmml.data.readers.csv_rows import CsvLine
from trmml.data.readers.image_choices import answer_meaning
from trmml.data.readers.reading_options import CellMeaning

__all__ = ["BLANK", "NO", "UNKNOWN", "cell_code", "cell_values", "signed_cells"]

BLANK, NO, UNKNOWN = 2, 3, 4
_NUMBERS: Final = {1.0: 1, 0.0: 0, -1.0: -1}
_MARKS: Final = {
    **dict.fromkeys(("x", "✓", "✔", "t"), 1),
    "f": NO,
    **dict.fromkeys(("", "nan", "na", "<na>", "null", "none"), BLANK),  # as pandas and R write them
}
_OF_ANSWERS: Final = {1: 1, -1: NO, 0: UNKNOWN}
_LABELS: Final = {"negative": -1, "unknown": 0}
_OTHER: Final[dict[CellMeaning, CellMeaning]] = {"negative": "unknown", "unknown": "negative"}
_RARE: Final = 0.01


@lru_cache(maxsize=4096)
def cell_code(cell: str) -> int | None:
    """Return the number that is kept for a cell: 1, 0, -1, `BLANK`, `NO` or `UNKNOWN`.

    Words mean what they say, so that "False" is absent, while 0 may still mean unknown.

    Args:
        cell: Its text.

    Returns:
        The number, or None for what is no label.

    Examples:
        >>> [cell_code(cell) for cell in ("1.0", "Yes", "0", "False", "", "640")]
        [1, 1, 0, 3, 2, None]
    """
    word = cell.strip().casefold()
    if word in _MARKS:
        return _MARKS[word]
    try:
        return _NUMBERS.get(float(word.replace(",", ".")))
    except ValueError:
        meaning = answer_meaning(word)
        return None if meaning is None else _OF_ANSWERS[meaning]


def cell_values(
    columns: Sequence[str], lines: Sequence[CsvLine], *, source: str
) -> Int[np.ndarray, "rows classes"]:
    """Return the cells beside the file names as numbers, see `cell_code`.

    Args:
        columns: Name of each column of labels.
        lines: The rows, file name first.
        source: File to name in errors.

    Raises:
        ValueError: With line and column, if something else stands in a cell.
    """
    values = np.empty((len(lines), len(columns)), dtype=np.int8)
    for column, name in enumerate(columns):
        cells = [line.cells[column + 1] for line in lines]
        found = {cell: cell_code(cell) for cell in set(cells)}
        codes = {cell: code for cell, code in found.items() if code is not None}
        if len(codes) < len(found):
            row = next(row for row, cell in enumerate(cells) if cell not in codes)
            raise ValueError(
                f"{source}: {lines[row].place}, column {name!r}: a label must be 1, 0, -1, yes, no "
                f"or empty, got {cells[row]!r}; correct it, or, if the column holds no labels, "
                f'leave it aside with `ignore=["{name}"]`, on the command line '
                f"`--read ignore={name}`."
            )
        values[:, column] = [codes[cell] for cell in cells]
    return values


def signed_cells(
    values: Int[np.ndarray, "rows classes"],
    *,
    zero: CellMeaning,
    minus_one: CellMeaning,
    blank: CellMeaning,
    columns: Sequence[str],
    lines: Sequence[CsvLine],
    source: str,
) -> tuple[Int[np.ndarray, "rows classes"], list[str]]:
    """Turn cells into labels: +1, -1 negative, 0 unknown.

    Certain without being told: 1 and yes are positive, and no is negative; an empty cell beside 0,
    -1 or no is unknown; 0 where no -1 occurs, and -1 where no 0 occurs, are negative. 0 and -1
    together are read in two ways, and 1 beside nothing but empty cells too: there the reader asks.

    Args:
        values: Cells of `cell_values`.
        zero: What 0 means; where only one of `zero` and `minus_one` is given and both occur, the
            other one means the other thing.
        minus_one: What -1 means.
        blank: What an empty cell means.
        columns: As in `cell_values`.
        lines: As in `cell_values`.
        source: File to name in errors and notes.

    Returns:
        The labels, and what a person should know about them, if anything.

    Raises:
        ValueError: If there is something to ask.
    """
    has_zero, has_minus = bool((values == 0).any()), bool((values == -1).any())
    if has_zero and has_minus:
        if zero == minus_one == "auto":
            raise ValueError(
                f"{source}: holds both 0 and -1 ({_count(values, columns, lines)}), which some "
                "take for absent and unknown and some for unknown and absent; say what -1 means: "
                '`minus_one="negative"` or `minus_one="unknown"`, on the command line '
                "`--read minus_one=negative` or `--read minus_one=unknown`."
            )
        if zero == "auto":
            zero = _OTHER[minus_one]
        elif minus_one == "auto":
            minus_one = _OTHER[zero]
    labels = values.copy()
    for value, meaning in ((0, zero), (-1, minus_one)):
        labels[values == value] = _LABELS["negative" if meaning == "auto" else meaning]
    labels[values == NO], labels[values == UNKNOWN] = -1, 0
    labels[values == BLANK] = _LABELS["unknown" if blank == "auto" else blank]
    if blank == "auto" and (values == BLANK).any() and not (labels == -1).any():
        raise ValueError(
            f'{source}: no label is negative; say what an empty cell means: `blank="negative"` or '
            '`blank="unknown"`, on the command line `--read blank=negative` or '
            "`--read blank=unknown`."
        )
    rare = 0 < (values == -1).mean() < _RARE
    return labels, [f"-1 is rare here: {_count(values, columns, lines)}"] if rare else []


def _count(
    values: Int[np.ndarray, "rows classes"], columns: Sequence[str], lines: Sequence[CsvLine]
) -> str:
    rows, at = (values == -1).nonzero()
    return (
        f"-1 in {len(rows):,} of {values.size:,} cells, first in {lines[rows[0]].place}, "
        f"column {columns[at[0]]!r}"
    )
