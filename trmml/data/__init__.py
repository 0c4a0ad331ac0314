"""Datasets, partial-label protocols and label codings: paths in, images and labels out."""

from trmml.data.codings import CODINGS, from_signed, to_signed
from trmml.data.hiding import hide_labels, keep_per_class, known_entries
from trmml.data.image_table import ImageTable
from trmml.data.images import BrokenImageError, decode_image
from trmml.data.readers.spreadsheet import load_table
from trmml.data.single_positive import (
    keep_single_positive,
    keep_some_positives,
    split_train_validation,
)

__all__ = [
    "CODINGS",
    "BrokenImageError",
    "ImageTable",
    "decode_image",
    "from_signed",
    "hide_labels",
    "keep_per_class",
    "keep_single_positive",
    "keep_some_positives",
    "known_entries",
    "load_table",
    "split_train_validation",
    "to_signed",
]
