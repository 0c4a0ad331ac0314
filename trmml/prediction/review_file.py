"""A spreadsheet of proposed labels: written for a person to review, and read back."""

import csv
from pathlib import Path
from typing import NamedTuple

from trmml.atomic_write import atomic_write
from trmml.class_names import name_key
from trmml.data import ImageTable
from trmml.data.file_names import NameIndex
from trmml.data.readers.csv_rows import read_sheet
from trmml.data.readers.text_files import read_text
from trmml.labels import UNKNOWN
from trmml.prediction.proposal import Proposal

__all__ = ["COLUMNS", "Merged", "merge_review", "write_review"]

COLUMNS = ["image", "class", "label", "probability", "source", "accept"]
_YES, _NO = {"1", "x", "y", "yes", "true"}, {"", "0", "n", "no", "false"}


class Merged(NamedTuple):
    """A table with reviewed labels filled in.

    Attributes:
        table: The labels of before, and those accepted.
        accepted: Labels filled in.
        open: Proposals of the review that were not accepted.
    """

    table: ImageTable
    accepted: int
    open: int


def write_review(proposals: list[Proposal], path: str | Path) -> None:
    """Write proposals as a spreadsheet with an empty column `accept` for a person to fill.

    Raises:
        ValueError: If the file cannot be written.
    """
    with atomic_write(path, encoding="utf-8-sig") as file:  # the mark tells Excel that it is UTF-8
        sheet = csv.writer(file, lineterminator="\n")
        sheet.writerow(COLUMNS)
        for one in proposals:
            cells = [one.image, one.class_name, one.label, f"{one.probability:.4f}", one.source, ""]
            sheet.writerow(cells)


def merge_review(table: ImageTable, review: str | Path) -> Merged:
    """Fill in the labels that a person accepted: `yes`, `y`, `x`, `1` or `true` in `accept`.

    With anything else that means no, or nothing, a label stays unknown. Where the proposal is
    wrong and the opposite is known, change the cell `label` and accept that.

    Args:
        table: The labels that the proposals were made for; not changed.
        review: File of `write_review`, columns in any order.

    Raises:
        ValueError: With the line, if it is no CSV, has uneven rows, names an image or class that
            is not in the table, has another label than 1 and -1, or contradicts a known label.
    """
    labels = table.labels.clone()
    rows = NameIndex(table.names)
    columns = {name_key(name): column for column, name in enumerate(table.class_names)}
    accepted = left_open = 0
    head, lines = read_sheet(read_text(review), source=str(review))
    absent = {"image", "class", "label", "accept"} - {*head.cells}
    if absent:
        raise ValueError(f"{review}: there is no column {', '.join(sorted(absent))}.")
    for number, cells in lines:
        line = dict(zip(head.cells, cells, strict=True))
        where = f"{review}: line {number}"
        answer = line["accept"].lower()
        if answer not in _YES | _NO:
            raise ValueError(f"{where}: `accept` must be yes, no or empty, got {answer!r}.")
        row, column = rows.find(line["image"]), columns.get(name_key(line["class"]))
        if row is None or column is None:
            kind = "image" if row is None else "class"
            raise ValueError(f"{where}: the table has no {kind} {line[kind]!r}.")
        if line["label"] not in ("1", "+1", "-1"):
            raise ValueError(f"{where}: `label` must be 1 or -1, got {line['label']!r}.")
        place, label = (row, column), int(line["label"])
        if answer in _NO:
            left_open += 1
            continue
        if labels[place] == -label:
            raise ValueError(
                f"{where}: {line['image']!r} is labelled for {line['class']!r} already, and "
                "otherwise; correct the table or do not accept this line."
            )
        accepted += int(labels[place] == UNKNOWN)
        labels[place] = label
    return Merged(table.replace(labels=labels), accepted, left_open)
