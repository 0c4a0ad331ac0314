"""Every reader of file names finds files that are spelt as on another system."""

import json
import os

import numpy as np
import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import find_splits
from trmml.data.readers.dataset_files import read_csv_rows, read_json, read_lines

LISTED, THERE = "in\\cafe\u0301.jpg", "in/caf\u00e9.jpg"


def nus_wide(root):
    for folder in ("ImageList", "TrainTestLabels"):
        (root / folder).mkdir()
    (root / "ImageList" / "TrainImagelist.txt").write_text(LISTED, encoding="utf-8")
    (root / "Concepts81.txt").write_text("sky")
    (root / "TrainTestLabels" / "Labels_sky_Train.txt").write_text("1")
    write_pictures(root / "Flickr", [THERE])


def nus_wide_csv(root):
    text = f"filepath,label,split_name\n{LISTED},\"['sky']\",train\n"
    (root / "nus_wid_data.csv").write_text(text, encoding="utf-8")
    write_pictures(root, [THERE])


def arrays(root):
    np.save(root / "formatted_train_images.npy", np.array([LISTED]))
    np.save(root / "formatted_train_labels.npy", np.zeros((1, 81)))
    write_pictures(root, [THERE])


def index_list(root):
    (root / "voc_full.txt").write_text(f"{LISTED}, 0\n", encoding="utf-8")
    write_pictures(root, [THERE])
    return root / "voc_full.txt"


def cub(root):
    (root / "attributes").mkdir()
    (root / "images.txt").write_text(f"1 {LISTED}\n", encoding="utf-8")
    (root / "train_test_split.txt").write_text("1 1\n")
    (root / "attributes.txt").write_text("1 has_wing_color::blue\n")
    (root / "attributes" / "image_attribute_labels.txt").write_text("1 1 1 1 1\n")
    write_pictures(root / "images", [THERE])


def visual_genome(root):
    (root / "train_list_500.txt").write_text(LISTED, encoding="utf-8")
    (root / "vg_category_200_labels_index.json").write_text(json.dumps({LISTED: [0]}))
    (root / "class_names.txt").write_text("sky")
    write_pictures(root, [THERE])


def voc(root):
    (root / "ImageSets" / "Main").mkdir(parents=True)
    (root / "Annotations").mkdir()
    (root / "ImageSets" / "Main" / "mine.txt").write_text("cafe\u0301", encoding="utf-8")
    xml = "<annotation><object><name>cup</name></object></annotation>"
    (root / "Annotations" / "cafe\u0301.xml").write_text(xml)
    write_pictures(root / "JPEGImages", ["caf\u00e9.jpg"])


@pytest.mark.parametrize(
    "write", [nus_wide, nus_wide_csv, arrays, index_list, cub, visual_genome, voc]
)
def test_names_are_matched_however_they_are_spelt(tmp_path, write):
    path = write(tmp_path) or tmp_path
    table = next(iter(find_splits(path, images=tmp_path).values()))()
    assert table.names == [THERE if write is not voc else "caf\u00e9.jpg"]
    assert table.paths[0].is_file()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "no JSON that can be read: lists within lists without end"),
        ("1" * 5000, "no JSON that can be read: Exceeds the limit"),
    ],
)
def test_json_without_end_is_refused_in_one_line(tmp_path, text, message):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=rf"a.json: {message}"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("read", [read_json, read_lines, lambda path: list(read_csv_rows(path))])
def test_what_is_no_plain_file_is_refused(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a pipe"), (tmp_path, "a folder")):
        with pytest.raises(ValueError, match=f"this is {kind}, not a file"):
            read(path)
