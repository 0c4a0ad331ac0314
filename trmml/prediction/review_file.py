"""A spreadsheet of proposed labels: written for a person to review, and read back."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from trmml.atomic_write import atomic_write
from trmml.class_names import name_key
from trmml.data import ImageTable
from trmml.data.file_names import NameIndex
from trmml.labels import UNKNOWN
from trmml.prediction.proposal import Proposal
from trmml.prediction.review_answers import review_answers
from trmml.prediction.suspects import Suspect

__all__ = ["COLUMNS", "Merged", "merge_review", "write_review"]

COLUMNS = ["image", "class", "label", "probability", "source", "accept"]


class Merged(NamedTuple):
    """A table with reviewed labels filled in.

    Attributes:
        table: The labels of before, and those accepted.
        accepted: Labels filled in.
        open: Proposals of the review that were not accepted.
        corrected: Known labels turned round.
    """

    table: ImageTable
    accepted: int
    open: int
    corrected: int = 0


def write_review(proposals: Sequence[Proposal | Suspect], path: str | Path) -> None:
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


def merge_review(table: ImageTable, review: str | Path, *, correct: bool = False) -> Merged:
    """Fill in the labels that a person accepted: `yes`, `y`, `x`, `1` or `true` in `accept`.

    With anything else that means no, or nothing, a label stays unknown. Where the proposal is
    wrong and the opposite is known, change the cell `label` and accept that. Label Studio's and
    FiftyOne's answers are about the class, not the proposal: no is a negative label there.

    Args:
        table: The labels that the proposals were made for; not changed.
        review: File of `write_review`, columns in any order; or JSON of `write_review_tasks` with
            answers.
        correct: Whether a known label is turned round where its opposite was accepted; otherwise
            that is refused.

    Raises:
        ValueError: With the place, if it is no CSV, has uneven rows, names an image or class that
            is not in the table, has another label than 1 and -1, or contradicts a known label.
    """
    labels = table.labels.clone()
    rows = NameIndex(table.names)
    columns = {name_key(name): column for column, name in enumerate(table.class_names)}
    accepted = left_open = corrected = 0
    answered: dict[tuple[int, int], int] = {}
    for where, image, name, label in review_answers(review):
        row, column = rows.find(image), columns.get(name_key(name))
        if row is None or column is None:
            kind, lost = ("image", image) if row is None else ("class", name)
            raise ValueError(f"{where}: the table has no {kind} {lost!r}.")
        place = (row, column)
        if label == UNKNOWN:
            left_open += 1
            continue
        if answered.setdefault(place, label) != label:
            raise ValueError(
                f"{where}: {image!r} and {name!r} are accepted twice in this file, once as there "
                "and once as not there; take one of the answers out."
            )
        if labels[place] == -label and not correct:
            raise ValueError(
                f"{where}: {image!r} is labelled for {name!r} already, and otherwise; correct the "
                "table, do not accept this, or add --correct (`correct=True`)."
            )
        accepted += int(labels[place] == UNKNOWN)
        corrected += int(labels[place] == -label)
        labels[place] = label
    return Merged(table.replace(labels=labels), accepted, left_open, corrected)
