"""A spreadsheet of proposed labels: written for a person to review, and read back."""

import csv
import io
from pathlib import Path
from typing import NamedTuple

from trmml.atomic_write import atomic_write
from trmml.data import ImageTable
from trmml.data.readers.text_files import read_text
from trmml.labels import UNKNOWN
from trmml.prediction.proposals import Proposal

__all__ = ["Merged", "merge_review", "write_review"]

_COLUMNS = ["image", "class", "label", "probability", "source", "accept"]
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
        sheet.writerow(_COLUMNS)
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
        ValueError: With the line, if it names an image or class that is not in the table, has
            another label than 1 and -1, or contradicts a label that is known.
    """
    labels = table.labels.clone()
    rows = {name: row for row, name in enumerate(table.names)}
    columns = {name: column for column, name in enumerate(table.class_names)}
    accepted = left_open = 0
    text = read_text(review)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.DictReader(io.StringIO(text, newline=None), delimiter=delimiter)
    absent = {"image", "class", "label", "accept"} - {*(reader.fieldnames or ())}
    if absent:
        raise ValueError(f"{review}: there is no column {', '.join(sorted(absent))}.")
    for line in reader:
        where = f"{review}: line {reader.line_num}"
        answer = (line["accept"] or "").strip().lower()
        if answer not in _YES | _NO:
            raise ValueError(f"{where}: `accept` must be yes, no or empty, got {answer!r}.")
        if answer in _NO:
            left_open += 1
            continue
        if line["image"] not in rows or line["class"] not in columns:
            kind = "class" if line["image"] in rows else "image"
            raise ValueError(f"{where}: the table has no {kind} {line[kind]!r}.")
        if line["label"] not in ("1", "+1", "-1"):
            raise ValueError(f"{where}: `label` must be 1 or -1, got {line['label']!r}.")
        place, label = (rows[line["image"]], columns[line["class"]]), int(line["label"])
        if labels[place] == -label:
            raise ValueError(
                f"{where}: {line['image']!r} is labelled for {line['class']!r} already, and "
                "otherwise; correct the table or do not accept this line."
            )
        accepted += int(labels[place] == UNKNOWN)
        labels[place] = label
    return Merged(table.replace(labels=labels), accepted, left_open)
