"""Tables as programs and people write them, with the habits of each."""

import json

import numpy as np
import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import ReadingOptions, check_splits, find_splits, open_split

KNOWN = [[1, -1], [-1, 1], [1, 1]]


@pytest.fixture
def photos(tmp_path):
    write_pictures(tmp_path / "my" / "photos", ["a.jpg", "b.JPG", "c.png"])
    return tmp_path / "my" / "photos"


def test_excel_in_german(read):
    sheet = "\ufeffDateiname;Möwe;Boot\r\na.jpg;1,0;0,0\r\nb.JPG;0,0;1,0\r\nc.png;1,0;1,0\r\n;;\r\n"
    table = read(sheet)
    assert table.class_names == ("Möwe", "Boot")
    assert table.labels.tolist() == KNOWN


def test_excel_with_crosses_and_capitals(read):
    sheet = "Nr;File Name;SEA;Boat;Remarks\n1;a.jpg;x;;sharp\n2;b.JPG;;X;\n3;c.png;x;x;dark\n"
    with pytest.raises(ValueError, match=r"no label is negative.*--read blank=unknown"):
        read(sheet)
    table = read(sheet, blank="negative")
    assert table.class_names == ("SEA", "Boat")
    assert table.labels.tolist() == KNOWN
    assert table.notes == ("left aside, since no label is in them: the columns Remarks",)


def test_pandas_with_its_index_twice_and_booleans(read):
    sheet = (
        "Unnamed: 0,,image,width,cat,dog\n0,7,a.jpg,640,True,False\n"
        "1,8,b.JPG,512,False,True\n2,9,c.png,640,True,True\n"
    )
    table = read(sheet)
    assert table.class_names == ("cat", "dog")
    assert table.labels.tolist() == KNOWN
    assert table.notes == ("left aside, since no label is in them: the columns width",)


def test_pandas_with_lists_as_python_prints_them(read):
    sheet = ",path,tags\n0,a.jpg,\"['sea', 'old boat']\"\n1,b.JPG,\"['old boat']\"\n2,c.png,[]\n"
    table = read(sheet, unlisted="negative")
    assert table.class_names == ("old boat", "sea")
    assert table.labels.tolist() == [[1, 1], [1, -1], [-1, -1]]


def test_kaggle_without_endings(read):
    sheet = "ID,Disease_Risk,DR\na,1,0\nb,0,1\nc,1,1\n"
    table = read(sheet)
    assert table.names == ["a.jpg", "b.JPG", "c.png"]
    assert table.labels.tolist() == KNOWN


def test_a_number_may_be_a_file_name(read, photos):
    write_pictures(photos, ["1.png", "2.png", "2.jpg"])
    assert read("id,cat\n1,1\n", missing="keep").names == ["1.png"]
    with pytest.raises(ValueError, match=r"1 of 2 images are missing in .*: 2; correct"):
        read("id,cat\n1,1\n2,0\n")


def test_label_studio_style_addresses_and_absolute_paths(read, photos):
    sheet = (
        "id,image,sea,boat\n17,/data/local-files/?d=photos/a.jpg,Yes,no\n"
        f"4,{photos}/b.JPG,NO,yes\n5,https://example.org/upload/c.png,yes,yes\n"
    )
    table = read(sheet)
    assert table.labels.tolist() == KNOWN
    assert all(path.is_file() for path in table.paths)


@pytest.mark.parametrize("start", ["", "./", "photos/", "my/photos/", ".\\my\\photos\\"])
def test_names_that_begin_with_the_folder(read, start):
    table = read(f"image,cat\n{start}a.jpg,1\n{start}c.png,0\n")
    assert table.names == ["a.jpg", "c.png"]


def test_coco_style_numbers_before_names(read):
    table = read("image_id,file_name,cat,dog\n1,a.jpg,1,0\n0,b.JPG,0,1\n", missing="keep")
    assert table.names == ["a.jpg", "b.JPG"]
    assert table.class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        *((word, 1) for word in ("TRUE", "Yes", "y", "1.00", "x", "✓", "present")),
        *((word, -1) for word in ("False", "no", "N", "absent", "0", "-1")),
        *((word, 0) for word in ("", "NaN", "NA", "None", "?", "unknown")),
    ],
)
def test_words_in_cells(read, cell, expected):
    assert read(f"image,cat\na.jpg,{cell}\nb.JPG,no\n").labels.tolist() == [[expected], [-1]]


def test_no_is_certain_where_zero_is_told_to_be_unknown(read):
    sheet = "image,cat,dog\na.jpg,0,no\nb.JPG,1,?\n"
    assert read(sheet, zero="unknown").labels.tolist() == [[0, -1], [1, 0]]
    sheet = "image,cat,dog\na.jpg,yes,\nb.JPG,,unknown\n"
    assert read(sheet, blank="negative").labels.tolist() == [[1, -1], [-1, 0]]


def test_a_column_with_some_labels_is_asked_about_and_can_be_ignored(read):
    sheet = "image,boxes,cat\na.jpg,3,1\nb.JPG,1,0\n"
    with pytest.raises(ValueError, match=r"line 2, column 'boxes': .*`--read ignore=boxes`"):
        read(sheet)
    table = read(sheet, ignore=["boxes"])
    assert (table.class_names, table.notes) == (("cat",), ())
    with pytest.raises(ValueError, match=r"`ignore` must be one of .*did you mean 'boxes'"):
        read(sheet, ignore=["boxs"])


def test_a_class_that_nobody_labelled_stays_a_class(read):
    assert read("image,cat,dog\na.jpg,1,\nb.JPG,0,\n").class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        ("image,width\na.jpg,640\n", r"no column holds labels \(column 'width' has '640'\)"),
        ("image,tags,labels\na.jpg,x y,so\n", "columns 'tags', 'labels' may all list names; leave"),
        ("image,tags,sea\na.jpg,sea,1\n", "holds lists of names in column 'tags' beside labels in"),
        ("image,tags\na.jpg,\"['sea' 'boat']\"\n", "line 2: must list names, such as `tree; boat`"),
        ("a.jpg,cat;dog\nb.JPG,cat\n", "the first line must name the columns, got the row"),
        ("a.jpg,True\nb.JPG,False\n", "the first line must name the columns, got the row"),
    ],
)  # fmt: skip
def test_what_is_refused(read, sheet, message):
    with pytest.raises(ValueError, match=f"labels.csv: {message}"):
        read(sheet, unlisted="negative") if "no column" not in message else read(sheet)


SPLITS = "image,Split,cat,dog\na.jpg,train,1,\nb.JPG,train,0,1\nc.png,test,1,\n"


def test_a_column_of_splits(tmp_path, photos, read):
    assert read(SPLITS).labels.tolist() == [[1, 0], [-1, 1], [1, 0]]
    test = read(SPLITS, split="test")
    assert (test.names, test.labels.tolist()) == (["c.png"], [[1, 0]])
    with pytest.raises(ValueError, match="`split` must be one of 'train', 'test', got 'tset'"):
        read(SPLITS, split="tset")
    assert list(find_splits(tmp_path / "labels.csv", images=photos)) == [
        "labels.csv/train",
        "labels.csv/test",
    ]
    _, train = open_split(tmp_path / "labels.csv", "labels.csv/train", images=photos)
    assert train.names == ["a.jpg", "b.JPG"]
    assert [report.rows for report in check_splits(tmp_path / "labels.csv", images=photos)] == [
        2,
        1,
    ]
    with pytest.raises(ValueError, match="has no column `split`; leave `split` out"):
        read("image,cat\na.jpg,1\n", split="train")


def test_rows_without_a_split_are_counted(read):
    table = read(SPLITS.replace("a.jpg,train", "a.jpg,"), split="train")
    assert table.names == ["b.JPG"]
    assert table.notes == ("1 rows have no split, and are in none",)


def test_the_classes_of_lists_are_those_of_all_splits(read):
    sheet = "image,split,tags\na.jpg,train,cat\nc.png,test,dog; cow\n"
    train = read(sheet, split="train", unlisted="negative")
    assert train.class_names == ("cat", "cow", "dog")
    assert train.labels.tolist() == [[1, -1, -1]]


def test_a_class_may_be_called_split(read, tmp_path, photos):
    assert read("image,split,cat\na.jpg,1,0\nb.JPG,0,1\n").class_names == ("split", "cat")
    assert list(find_splits(tmp_path / "labels.csv", images=photos)) == ["labels.csv"]


def test_records_of_json_with_a_value_for_each_class(read):
    records = [
        {"image": "a.jpg", "cat": True, "dog": False},
        {"image": "b.JPG", "cat": 0, "dog": 1},
        {"image": "c.png", "dog": None},
    ]
    table = read(json.dumps(records), name="labels.json")
    assert table.class_names == ("cat", "dog")
    assert table.labels.tolist() == [[1, -1], [-1, 1], [0, 0]]


def test_reading_options_name_columns_to_ignore():
    options = ReadingOptions.parse(["ignore=width, height", "blank=unknown"])
    assert options.given() == {"ignore": ("width", "height"), "blank": "unknown"}


def test_a_hundred_thousand_cells_are_read_as_numbers_say(read, photos):
    labels = np.random.RandomState(0).randint(0, 2, (2_000, 50))
    rows = [f"{row}.jpg,{','.join(map(str, cells))}" for row, cells in enumerate(labels.tolist())]
    head = ",".join(["image", *(f"class {column}" for column in range(50))])
    table = read("\n".join([head, *rows]), missing="keep")
    assert np.array_equal(table.labels.numpy(), labels * 2 - 1)


@pytest.mark.parametrize(
    ("separator", "sign"), [("comma", ", "), ("space", "  "), ("comma", ";"), ("auto", " | ")]
)
def test_names_in_a_cell_are_separated_as_told(read, separator, sign):
    sheet = f'image;tags\na.jpg;"clear{sign}primary"\nb.JPG;clear\nc.png;\n'
    table = read(sheet, unlisted="negative", separator=separator)
    assert table.class_names == ("clear", "primary")
    assert table.labels.tolist() == [[1, 1], [1, -1], [-1, -1]]


def test_names_that_spaces_or_commas_may_separate_are_told(read):
    sheet = "image_name,tags\na,haze primary\nb,clear primary\nc,clear haze\n"
    table = read(sheet, unlisted="negative")
    assert table.notes[0].startswith("'clear haze' counts as one class; if it is several, say")
    table = read(sheet, unlisted="negative", separator="space")
    assert (table.class_names, table.notes) == (("clear", "haze", "primary"), ())
    with pytest.raises(ValueError, match=r"one class beside .*`--read separator=comma`"):
        read("image;tags\na.jpg;tree, boat\nb.JPG;boat\n", unlisted="negative")
    with pytest.raises(ValueError, match="`separator` is for tables with lists of class names"):
        read("image,cat\na.jpg,1\n", separator="comma")


def test_a_row_for_each_image_and_class(read):
    sheet = "filename,label,score\na.jpg,dog,0.9\nb.JPG,cat,0.8\na.jpg,cat,0.7\nc.png,,0.5\n"
    table = read(sheet, unlisted="unknown")
    assert table.names == ["a.jpg", "b.JPG", "c.png"]
    assert table.labels.tolist() == [[1, 1], [1, 0], [0, 0]]
    assert table.notes[0] == "4 rows name a class each, and are joined to 3 images"


def test_rows_of_lists_or_of_several_splits_are_not_joined(read):
    with pytest.raises(ValueError, match=r"'a.jpg' is in line 2 and again in line 3; keep one"):
        read("image,tags\na.jpg,cat; dog\na.jpg,cow\n", unlisted="unknown")
    with pytest.raises(ValueError, match=r"'a.jpg' is of one split in line 2 and of another in li"):
        read("image,split,label\na.jpg,train,cat\na.jpg,test,dog\n", unlisted="unknown")
