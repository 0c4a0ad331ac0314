"""Roboflow's multi-label classification: a `_classes.csv` in the folder of each split."""

from functools import partial
from pathlib import Path
from typing import Final

from trmml.data.readers import spreadsheet
from trmml.data.readers.reader import Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions
from trmml.data.readers.spreadsheet import load_table

__all__ = ["READER"]

_FILE = "_classes.csv"


def _find(path: Path, _images: Path, reading: ReadingOptions) -> Splits:
    found: Splits = {}
    for part in ("", "train", "valid", "val", "test"):
        folder = path / part
        if (folder / _FILE).is_file():
            options = {"zero": "negative", **reading.given()}
            load = partial(load_table, folder / _FILE, folder, missing="keep", **options)
            found[f"roboflow/{part}".removesuffix("/")] = load
    return found


READER: Final = Reader(_find, f"{_FILE} (Roboflow)", options=spreadsheet.READER.options)
"""A folder of images with a table of 0 and 1, or one for each split."""
