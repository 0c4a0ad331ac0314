"""What the cells of a table of labels mean: only what is certain is taken, the rest is asked."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Int

from trmml.data.readers.csv_rows import CsvLine
from trmml.data.readers.reading_options import CellMeaning

__all__ = ["BLANK", "CELLS", "cell_values", "signed_cells"]

BLANK: Final = 2
CELLS: Final = {"1": 1, "+1": 1, "1.0": 1, "0": 0, "0.0": 0, "-1": -1, "-1.0": -1, "": BLANK}
"""What may stand in a cell, and the number that is kept for it."""

_LABELS: Final = {"negative": -1, "unknown": 0}
_OTHER: Final[dict[CellMeaning, CellMeaning]] = {"negative": "unknown", "unknown": "negative"}
_RARE: Final = 0.01


def cell_values(
    columns: Sequence[str], lines: Sequence[CsvLine], *, source: str
) -> Int[np.ndarray, "rows classes"]:
    """Return the cells beside the file names as 1, 0, -1 and `BLANK`.

    Args:
        columns: Name of each column of labels.
        lines: The rows, file name first.
        source: File to name in errors.

    Raises:
        ValueError: With line and column, if something else stands in a cell.
    """
    values = np.empty((len(lines), len(columns)), dtype=np.int8)
    for row, line in enumerate(lines):
        for column, cell in enumerate(line.cells[1:]):
            if cell not in CELLS:
                raise ValueError(
                    f"{source}: line {line.number}, column {columns[column]!r}: a label must be "
                    f"1, 0, -1 or empty, got {cell!r}."
                )
            values[row, column] = CELLS[cell]
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

    Certain without being told: 1 is positive; an empty cell beside 0 or -1 is unknown; 0 where no
    -1 occurs, and -1 where no 0 occurs, are negative. Both together are read in two ways, and 1
    beside nothing but empty cells too: there the reader asks.

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
        f"-1 in {len(rows):,} of {values.size:,} cells, first in line {lines[rows[0]].number}, "
        f"column {columns[at[0]]!r}"
    )
