"""Which column of a person's table is what: file names, labels, the split, and what is none."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from trmml.choices import choice_error
from trmml.data.image_formats import IMAGE_SUFFIXES
from trmml.data.readers.cells import BLANK, NO, UNKNOWN, cell_code
from trmml.data.readers.csv_rows import CsvLine
from trmml.data.readers.image_addresses import address_tails

__all__ = [
    "SPLIT_HEADINGS",
    "TableColumns",
    "is_image_name",
    "is_name_heading",
    "is_unnamed",
    "split_names",
    "table_columns",
]

SPLIT_HEADINGS: Final = frozenset({"split", "subset", "partition"})
"""What a column is called that names splits."""

_LISTS: Final = ("positives", "negatives")
_NAMES: Final = frozenset(
    {"image", "images", "image_name", "image_path", "image_file", "image_id", "image_url", "img"}
    | {"img_path", "img_name", "file", "file_name", "filename", "file_path", "filepath", "path"}
    | {"photo", "picture", "external_id"}
)
_TAGS: Final = frozenset(
    {"tag", "tags", "label", "labels", "class", "classes", "category", "categories"}
    | {"keyword", "keywords", "object", "objects"}
)
_NUMBERS: Final = frozenset({"", "id", "index", "idx", "row", "no", "nr", "image_id", "img_id"})
_UNNAMED: Final = re.compile(r"unnamed: \d+(\.\d+)?")  # pandas, of a heading that is empty
_SAMPLE: Final = 20  # cells that tell whether a column has file names


class TableColumns(NamedTuple):
    """What a table's columns hold, each by its place.

    Attributes:
        names: Of the file names.
        labels: Of classes with a label in each cell, or of lists of class names.
        lists: For each of `labels` that holds lists, "positives" or "negatives"; else empty.
        by_tags: Whether lists of positives are not in `positives`, but in `tags` or the like.
        split: Of the names of splits; None if no column has them.
        aside: Of what holds no labels, and was not said to be ignored.
    """

    names: int
    labels: list[int]
    lists: list[str]
    by_tags: bool
    split: int | None
    aside: list[int]


def is_name_heading(heading: str) -> bool:
    """Say whether a column of this heading has file names, as far as the heading tells.

    Args:
        heading: Such as "File Name".

    Examples:
        >>> is_name_heading("File Name"), is_name_heading("cat")
        (True, False)
    """
    return _plain(heading) in _NAMES


def is_unnamed(heading: str) -> bool:
    """Say whether a heading is what pandas writes where there was none.

    Args:
        heading: Such as "Unnamed: 0".
    """
    return _UNNAMED.fullmatch(heading.casefold()) is not None


def is_image_name(text: str) -> bool:
    """Say whether a text is the name or address of an image, by what it ends in.

    Args:
        text: Such as "photos/a.JPG".
    """
    return bool(text) and Path(address_tails(text)[-1]).suffix.lower() in IMAGE_SUFFIXES


def table_columns(
    head: CsvLine, lines: Sequence[CsvLine], *, ignore: Sequence[str] = (), source: str
) -> TableColumns:
    """Find out what each column of a table is.

    File names are where the cells end as those of images do, or where the heading says so, or in
    the first column. A column of which no cell is a label is left aside, unless it is called
    `positives` or `negatives`, or, with the same meaning as `positives`, `tags`, `labels`,
    `classes`, `categories`, `keywords` or `objects`; one called `split` names splits. Numbers of
    rows, as pandas writes them, are left aside without a word.

    Args:
        head: The headings.
        lines: The rows below, all as long.
        ignore: Headings of what is to be left aside too.
        source: Table to name in errors.

    Raises:
        ValueError: If there is no such column to leave aside, several hold lists of names or
            lists and labels stand beside each other.
    """
    for name in ignore:
        if name not in head.cells:
            raise ValueError(f"{source}: {choice_error(name, head.cells, argument='ignore')}")
    columns = [list(cells) for cells in zip(*(line.cells for line in lines), strict=True)]
    if not columns:
        return TableColumns(0, list(range(1, len(head.cells))), [], False, None, [])
    plain = [_plain(heading) for heading in head.cells]
    open_places = [place for place, heading in enumerate(head.cells) if heading not in ignore]
    names = _place_of_names(open_places, plain, columns, source)
    rest = [
        place
        for place in open_places
        if place != names and not _is_numbering(place < names, plain[place], columns[place])
    ]
    labels = [place for place in rest if _is_class(plain[place], columns[place])]
    others = [place for place in rest if place not in labels]
    split = next((place for place in others if plain[place] in SPLIT_HEADINGS), None)
    lists = [place for place in others if plain[place] in _LISTS]
    by_tags = not any(plain[place] == "positives" for place in lists)
    if by_tags:
        tags = [place for place in others if plain[place] in _TAGS]
        if len(tags) > 1:
            both = [head.cells[place] for place in tags]
            raise ValueError(f"{source}: {_columns(both)} may all list names; {_remedy(both[1])}.")
        lists = tags + lists
    if lists and labels:
        beside = _columns([head.cells[place] for place in labels])
        raise ValueError(
            f"{source}: holds lists of names in {_columns([head.cells[lists[0]]])} beside labels "
            f"in {beside}; {_remedy(head.cells[lists[0]])}."
        )
    aside = [place for place in others if place not in lists and place != split]
    kinds = ["negatives" if plain[place] == "negatives" else "positives" for place in lists]
    return TableColumns(names, lists or labels, kinds, by_tags, split, aside)


def split_names(columns: TableColumns, lines: Sequence[CsvLine]) -> list[str]:
    """Return the names of the splits, in the order they come in; none without such a column.

    Args:
        columns: What the columns are.
        lines: The rows.
    """
    if columns.split is None:
        return []
    return [name for name in dict.fromkeys(line.cells[columns.split] for line in lines) if name]


def _plain(heading: str) -> str:
    heading = heading.strip().casefold()
    return "" if is_unnamed(heading) else re.sub(r"[\s\-]+", "_", heading)


def _place_of_names(
    places: Sequence[int], plain: Sequence[str], columns: Sequence[list[str]], source: str
) -> int:
    if not places:
        raise ValueError(f"{source}: no column is left; `ignore` fewer.")
    images = [place for place in places if any(map(is_image_name, columns[place][:_SAMPLE]))]
    called = [place for place in places if plain[place] in _NAMES]
    for found in ([place for place in called if place in images], images):
        if found:
            return found[0]
    named = (one for one in called if not _holds_labels(columns[one]))
    return next(named, places[0])


def _is_numbering(before: bool, heading: str, cells: list[str]) -> bool:
    """Say whether a column numbers the rows, or is one without heading and content."""
    if heading == "" and not any(cells):
        return True
    if heading not in _NUMBERS or not all(cell.isdecimal() for cell in cells):
        return False
    # Elsewhere it could be a class, unless there are more numbers than labels.
    return len(set(cells)) == len(cells) and (before or (heading != "" and len(cells) > 2))


def _is_class(heading: str, cells: list[str]) -> bool:
    if heading in _LISTS or (heading in SPLIT_HEADINGS and None in map(cell_code, set(cells))):
        return False
    return _holds_labels(cells)


def _holds_labels(cells: list[str]) -> bool:
    codes = set(map(cell_code, set(cells)))
    return not codes.isdisjoint((1, 0, -1, NO)) or codes <= {BLANK, UNKNOWN}


def _columns(headings: Sequence[str]) -> str:
    shown = ", ".join(map(repr, headings[:5])) + (", ..." if len(headings) > 5 else "")
    return f"column{'s' if len(headings) > 1 else ''} {shown}"


def _remedy(heading: str) -> str:
    return (
        f'leave aside what is not meant, such as `ignore=["{heading}"]`, on the command line '
        f"`--read ignore={heading}`"
    )
