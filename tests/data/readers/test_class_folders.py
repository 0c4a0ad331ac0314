import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import ReadingOptions, find_splits, open_split
from trmml.data.readers.class_folders import load_class_folders

UNKNOWN = ReadingOptions(unlisted="unknown")


def test_a_folder_for_each_class(tmp_path):
    write_pictures(tmp_path, ["dog/2.png", "cat/1.png", "cat/.hidden.png"])
    (tmp_path / "README.md").write_text("Where they are from.")
    name, table = open_split(tmp_path, reading=UNKNOWN)
    assert name == "class-folders"
    assert table.names == ["cat/1.png", "dog/2.png"]
    assert table.labels.tolist() == [[1, 0], [0, 1]]
    _, table = open_split(tmp_path, reading=ReadingOptions(unlisted="negative"))
    assert table.labels.tolist() == [[1, -1], [-1, 1]]


def test_what_the_other_classes_are_is_asked(tmp_path):
    write_pictures(tmp_path, ["cat/1.png", "dog/2.png"])
    with pytest.raises(ValueError, match=r"unlisted=\"negative\".*`--read unlisted=unknown`"):
        open_split(tmp_path)


def test_splits_share_their_classes(tmp_path):
    write_pictures(tmp_path, ["train/cat/1.png", "train/dog/2.png", "val/cat/3.png"])
    assert list(find_splits(tmp_path)) == ["class-folders/train", "class-folders/val"]
    _, table = open_split(tmp_path, "class-folders/val", reading=UNKNOWN)
    assert table.class_names == ("cat", "dog")
    assert table.labels.tolist() == [[1, 0]]


@pytest.mark.parametrize(
    "others",
    [["cat/labels.xml"], ["labels.yaml"], ["empty/"], ["only.png"], ["dog/deeper/1.png"]],
)
def test_another_layout_is_not_taken_for_this_one(tmp_path, others):
    write_pictures(tmp_path, ["cat/1.png", "dog/2.png"])
    for name in others:
        path = tmp_path / name
        path.mkdir(parents=True) if name.endswith("/") else write_file(path)
    with pytest.raises(ValueError, match="no dataset is recognised"):
        find_splits(tmp_path)


def write_file(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")


def test_what_is_wrong_is_named(tmp_path):
    with pytest.raises(ValueError, match="no folder in it holds an image"):
        load_class_folders(tmp_path, unlisted="unknown")
    write_pictures(tmp_path, ["cat/1.png"])
    with pytest.raises(ValueError, match="the folder 'cat' is no class; the classes are dog"):
        load_class_folders(tmp_path, unlisted="unknown", class_names=["dog"])
