"""What every reader in this folder brings, so that `trmml.data.splits` need not know its format."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from trmml.data.image_table import ImageTable
from trmml.data.readers.reading_options import ReadingOptions

__all__ = ["OfficialCounts", "Reader", "Splits"]

Splits = dict[str, Callable[[], ImageTable]]
"""Name of each split, with a function that reads it."""


class OfficialCounts(NamedTuple):
    """What a complete copy of a benchmark split has.

    Attributes:
        rows: Images.
        classes: Label columns.
        positives: Positive labels of each class, or empty where they are not known here.
    """

    rows: int
    classes: int
    positives: tuple[int, ...] = ()


class Reader(NamedTuple):
    """How data of one format are recognised, and what is known about them.

    Attributes:
        find: Given a path, the folder of the images and what was said about the labels, names the
            splits that are there; none if the path, a folder or a single file, is not of this
            format. Opens no more than it must, and leaves errors of the content to the functions
            it returns, which take `ReadingOptions.given()` as far as it is among `options`.
        layout: What is looked for in a folder, for the error where nothing is recognised.
        official_counts: What complete copies of the splits have, by name, where it is known.
        reordered: Endings of split names under which another split's images come in another order.
        options: Names of the reading options that it takes; others are refused before it reads.
    """

    find: Callable[[Path, Path, ReadingOptions], Splits]
    layout: str = ""
    official_counts: Mapping[str, OfficialCounts] = MappingProxyType({})
    reordered: tuple[str, ...] = ()
    options: frozenset[str] = frozenset()
