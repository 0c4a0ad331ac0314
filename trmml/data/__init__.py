"""Datasets, partial-label protocols and label codings: paths in, images and labels out."""

from trmml.data.caption_words import COMMON_SYNONYMS, common_synonyms
from trmml.data.captions import CaptionTable, load_captions, with_synonyms
from trmml.data.checking import DatasetReport, check_dataset, check_splits
from trmml.data.class_names import (
    COCO_NAMES,
    COCO_NAMES_TAI_DPT,
    NUS_WIDE_NAMES,
    VOC_NAMES,
)
from trmml.data.codings import CODINGS, from_signed, to_signed
from trmml.data.hiding import hide_labels, keep_per_class, known_entries
from trmml.data.image_formats import IMAGE_SUFFIXES
from trmml.data.image_table import ImageTable
from trmml.data.images import BrokenImageError, decode_bytes, decode_image, image_size, to_rgb
from trmml.data.label_mask import LabelMask
from trmml.data.label_overview import label_overview
from trmml.data.making_masks import make_mask, mask_of_list
from trmml.data.noun_matching import match_nouns
from trmml.data.overview_page import overview_page
from trmml.data.peer_files import (
    read_dualcoop_mask,
    read_label_array,
    read_label_text,
    write_dualcoop_mask,
    write_label_text,
)
from trmml.data.picture_address import fetch_picture
from trmml.data.picture_list import PictureList
from trmml.data.pictures import Picture, Pictures, open_picture
from trmml.data.readers.coco import load_coco, load_coco_file
from trmml.data.readers.cub import attribute_phrases, load_cub
from trmml.data.readers.formatted_arrays import load_formatted_arrays
from trmml.data.readers.index_lists import load_index_list
from trmml.data.readers.nus_wide import load_nus_wide, load_nus_wide_csv
from trmml.data.readers.open_images import load_open_images
from trmml.data.readers.reader import OfficialCounts
from trmml.data.readers.reading_options import ReadingOptions
from trmml.data.readers.spreadsheet import load_table
from trmml.data.readers.visual_genome import FrequentCategories, frequent_categories, load_vg
from trmml.data.readers.voc import load_voc
from trmml.data.readers.yolo import load_yolo
from trmml.data.single_positive import (
    keep_single_positive,
    keep_some_positives,
    split_train_validation,
)
from trmml.data.splits import OFFICIAL_COUNTS, find_splits, official_counts, open_split
from trmml.data.square_pixels import square_pixels
from trmml.data.super_classes import (
    COCO_SUPER_CLASSES,
    VOC_SUPER_CLASSES,
    published_super_classes,
)
from trmml.data.table_file import write_table
from trmml.data.word_vectors import read_word_vectors

__all__ = [
    "COCO_NAMES",
    "COCO_NAMES_TAI_DPT",
    "COCO_SUPER_CLASSES",
    "CODINGS",
    "COMMON_SYNONYMS",
    "IMAGE_SUFFIXES",
    "NUS_WIDE_NAMES",
    "OFFICIAL_COUNTS",
    "VOC_NAMES",
    "VOC_SUPER_CLASSES",
    "BrokenImageError",
    "CaptionTable",
    "DatasetReport",
    "FrequentCategories",
    "ImageTable",
    "LabelMask",
    "OfficialCounts",
    "Picture",
    "PictureList",
    "Pictures",
    "ReadingOptions",
    "attribute_phrases",
    "check_dataset",
    "check_splits",
    "common_synonyms",
    "decode_bytes",
    "decode_image",
    "fetch_picture",
    "find_splits",
    "frequent_categories",
    "from_signed",
    "hide_labels",
    "image_size",
    "keep_per_class",
    "keep_single_positive",
    "keep_some_positives",
    "known_entries",
    "label_overview",
    "load_captions",
    "load_coco",
    "load_coco_file",
    "load_cub",
    "load_formatted_arrays",
    "load_index_list",
    "load_nus_wide",
    "load_nus_wide_csv",
    "load_open_images",
    "load_table",
    "load_vg",
    "load_voc",
    "load_yolo",
    "make_mask",
    "mask_of_list",
    "match_nouns",
    "official_counts",
    "open_picture",
    "open_split",
    "overview_page",
    "published_super_classes",
    "read_dualcoop_mask",
    "read_label_array",
    "read_label_text",
    "read_word_vectors",
    "split_train_validation",
    "square_pixels",
    "to_rgb",
    "to_signed",
    "with_synonyms",
    "write_dualcoop_mask",
    "write_label_text",
    "write_table",
]
