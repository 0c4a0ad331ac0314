"""Hugging Face's image folders: a `metadata` file beside the images, or beside those of a split."""

from pathlib import Path
from typing import Final

from trmml.data.readers import spreadsheet
from trmml.data.readers.reader import Reader, Splits
from trmml.data.readers.reading_options import ReadingOptions
from trmml.data.readers.spreadsheet import splits_of_table
from trmml.data.visible_files import visible_files

__all__ = ["READER"]

_FILES: Final = ("metadata.jsonl", "metadata.csv", "metadata.parquet")


def _find(path: Path, _images: Path, reading: ReadingOptions) -> Splits:
    if not path.is_dir():
        return {}
    found: Splits = {}
    for folder in (path, *(one for one in visible_files(path) if one.is_dir())):
        for file in (folder / name for name in _FILES):
            if file.is_file():
                name = "image-folder" if folder == path else f"image-folder/{folder.name}"
                found = splits_of_table(file, folder, reading, name=name) | found
    return found


READER: Final = Reader(_find, "metadata.jsonl (Hugging Face)", options=spreadsheet.READER.options)
"""File names relative to the folder of the file; `load_table` says what else it may hold."""
