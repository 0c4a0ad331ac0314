"""Tables with a row for each image and class, as databases give them: joined to a row an image."""

from collections.abc import Sequence

from trmml.data.readers.csv_rows import CsvLine
from trmml.data.readers.table_columns import TableColumns

__all__ = ["joined_rows"]


def joined_rows(
    columns: TableColumns, lines: Sequence[CsvLine], *, source: str
) -> tuple[list[CsvLine], list[str]]:
    """Join the rows of an image where each of a table's rows names one class that is there.

    Any other table is returned as it is: there a second row of an image is a mistake.

    Args:
        columns: What the columns are.
        lines: The rows.
        source: Table to name in errors.

    Returns:
        The rows, one an image, of which the column of names lists all its classes; and what was
        noticed.

    Raises:
        ValueError: If the rows of an image are of several splits.
    """
    if columns.lists != ["positives"] or not columns.by_tags:
        return list(lines), []
    (place,) = columns.labels
    if any(sign in line.cells[place] for line in lines for sign in ";|[,"):
        return list(lines), []
    joined: dict[str, CsvLine] = {}
    for line in lines:
        name = line.cells[columns.names]
        before = joined.setdefault(name, line)
        if before is line:
            continue
        if columns.split is not None and before.cells[columns.split] != line.cells[columns.split]:
            raise ValueError(
                f"{source}: {name!r} is of one split in {before.place} and of another in "
                f"{line.place}; an image must be of one."
            )
        cells = [*before.cells]
        cells[place] = f"{cells[place]};{line.cells[place]}"
        joined[name] = before._replace(cells=cells)
    if len(joined) == len(lines):
        return list(lines), []
    return list(joined.values()), [
        f"{len(lines):,} rows name a class each, and are joined to {len(joined):,} images"
    ]
