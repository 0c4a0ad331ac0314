"""Write a table of labels as the spreadsheet that `load_table` reads."""

import csv
import os

from trmml.atomic_write import atomic_write
from trmml.data.image_table import ImageTable

__all__ = ["write_table"]

_CELLS = {1: "1", -1: "0", 0: ""}


def write_table(table: ImageTable, path: str | os.PathLike[str]) -> None:
    """Write file names and labels as CSV: a column for each class, 1, 0, or nothing for unknown.

    `load_table` reads the same labels back; where there are unknown labels but not one negative,
    it asks for `blank="unknown"`.

    Args:
        table: Its names and labels; no image is read.
        path: File to write, replaced if it exists.

    Raises:
        ValueError: If the file cannot be written.
    """
    with atomic_write(path) as file:
        sheet = csv.writer(file, lineterminator="\n")
        sheet.writerow(["image", *table.class_names])
        for name, labels in zip(table.names, table.labels.tolist(), strict=True):
            sheet.writerow([name, *(_CELLS[label] for label in labels)])
