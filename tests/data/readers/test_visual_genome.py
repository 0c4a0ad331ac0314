import json

import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import frequent_categories, load_vg

LABELS = {"1.jpg": [0, 2], "2.jpg": [], "3.jpg": [1]}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train_list_500.txt").write_text("3.jpg\n1.jpg\n2.jpg\n")
    (tmp_path / "labels.json").write_text(json.dumps(LABELS))
    (tmp_path / "names.txt").write_text("tree\nman\nsky\n")
    write_pictures(tmp_path, ["VG_100K/1.jpg", "VG_100K/2.jpg", "VG_100K_2/3.jpg"])
    return tmp_path


def test_hcp_files_with_names_of_ones_own(folder):
    table = load_vg(
        folder, folder / "train_list_500.txt", folder / "labels.json", folder / "names.txt"
    )
    assert table.names == ["VG_100K_2/3.jpg", "VG_100K/1.jpg", "VG_100K/2.jpg"]
    assert table.class_names == ("tree", "man", "sky")
    assert table.labels.tolist() == [[-1, 1, -1], [1, -1, 1], [-1, -1, -1]]
    assert table[0][0].size == (8, 6)


def test_one_merged_folder(folder):
    (folder / "VG_100K_2" / "3.jpg").rename(folder / "VG_100K" / "3.jpg")
    table = load_vg(folder / "VG_100K", folder / "train_list_500.txt", LABELS, ["a", "b", "c"])
    assert table.names == ["3.jpg", "1.jpg", "2.jpg"]


def test_wrong_files(folder):
    with pytest.raises(ValueError, match="must name class 2, counted from 0, got 2"):
        load_vg(folder, folder / "train_list_500.txt", LABELS, ["a", "b"])
    with pytest.raises(ValueError, match=r"1 images have no labels, first 3.jpg"):
        load_vg(folder, folder / "train_list_500.txt", {"1.jpg": [], "2.jpg": []}, ["a"])
    (folder / "labels.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"labels.json: must map each file name to a list"):
        load_vg(folder, folder / "train_list_500.txt", folder / "labels.json", ["a"])
    with pytest.raises(ValueError, match="the class names is not there"):
        load_vg(folder, folder / "train_list_500.txt", LABELS, folder / "nothing.txt")


OBJECTS = [
    {"image_id": 1, "objects": [{"names": ["Tree"]}, {"names": ["tree ", "plant"]}]},
    {"image_id": 2, "objects": []},
    {"image_id": 3, "objects": [{"names": ["man"]}, {"names": ["sky"]}, {"names": ["man"]}]},
]


def test_the_regenerator_counts_every_name(folder):
    (folder / "objects.json").write_text(json.dumps(OBJECTS))
    found = frequent_categories(folder / "objects.json", 3)
    assert found.class_names == ["man", "tree", "plant"]
    assert found.counts == [2, 2, 1]
    assert found.labels == {"1.jpg": [1, 2], "2.jpg": [], "3.jpg": [0]}
    table = load_vg(folder, folder / "train_list_500.txt", found.labels, found.class_names)
    assert table.labels.tolist() == [[1, -1, -1], [-1, 1, 1], [-1, -1, -1]]


def test_wrong_object_files(folder):
    (folder / "objects.json").write_text(json.dumps(OBJECTS))
    with pytest.raises(ValueError, match="has 4 names, fewer than 200"):
        frequent_categories(folder / "objects.json")
    (folder / "objects.json").write_text('[{"image_id": 1}]')
    with pytest.raises(ValueError, match="must be a list of images with `image_id` and `objects`"):
        frequent_categories(folder / "objects.json")
