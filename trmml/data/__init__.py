"""Datasets, partial-label protocols and label codings: paths in, images and labels out."""

from trmml.data.codings import CODINGS, from_signed, to_signed
from trmml.data.hiding import hide_labels, keep_per_class, known_entries
from trmml.data.image_table import ImageTable
from trmml.data.images import BrokenImageError, decode_image
from trmml.data.label_mask import LabelMask
from trmml.data.peer_files import (
    read_dualcoop_mask,
    read_label_array,
    read_label_text,
    write_dualcoop_mask,
    write_label_text,
)
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
    "LabelMask",
    "decode_image",
    "from_signed",
    "hide_labels",
    "keep_per_class",
    "keep_single_positive",
    "keep_some_positives",
    "known_entries",
    "load_table",
    "read_dualcoop_mask",
    "read_label_array",
    "read_label_text",
    "split_train_validation",
    "to_signed",
    "write_dualcoop_mask",
    "write_label_text",
]
