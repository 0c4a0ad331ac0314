import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from trmml.data import load_table

SCENES = Path(__file__).parents[4] / "shared" / "data" / "scenes2000"


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg", "c.jpg", "more/d.jpg"):
        Image.new("RGB", (4, 4)).save(folder / name)
    return folder


def test_zero_and_one(read):
    table = read("image,cat,dog\na.jpg,1,0\nb.jpg,0,0\n")
    assert table.class_names == ("cat", "dog")
    assert table.names == ["a.jpg", "b.jpg"]
    assert table.labels.dtype == torch.int8
    assert table.labels.tolist() == [[1, -1], [-1, -1]]
    assert table[0][0].size == (4, 4)


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ("1,0\n0,1", {}, [[1, -1], [-1, 1]]),
        ("1,1\n-1,1", {}, [[1, 1], [-1, 1]]),
        ("1,\n0,1", {}, [[1, 0], [-1, 1]]),
        ("1,\n-1,1", {}, [[1, 0], [-1, 1]]),
        ("1.0,0.0\n0,+1", {}, [[1, -1], [-1, 1]]),
        ("1,0\n-1,1", {"zero": "unknown"}, [[1, 0], [-1, 1]]),
        ("1,0\n-1,1", {"minus_one": "negative"}, [[1, 0], [-1, 1]]),
        ("1,0\n-1,1", {"minus_one": "unknown"}, [[1, -1], [0, 1]]),
        ("1,0\n-1,1", {"zero": "negative", "minus_one": "negative"}, [[1, -1], [-1, 1]]),
        ("1,0\n-1,", {"minus_one": "unknown"}, [[1, -1], [0, 0]]),
        (" 1 , 0\n0,1", {}, [[1, -1], [-1, 1]]),
        ("1,0\n0,1", {"zero": "unknown"}, [[1, 0], [0, 1]]),
        ("1,0\n-1,1", {"zero": "negative"}, [[1, -1], [0, 1]]),
        ("1,\n,1", {"blank": "negative"}, [[1, -1], [-1, 1]]),
        ("1,\n,1", {"blank": "unknown"}, [[1, 0], [0, 1]]),
        ("1,\n-1,0", {"blank": "negative", "minus_one": "unknown"}, [[1, -1], [0, -1]]),
        (",\n0,1", {}, [[0, 0], [-1, 1]]),
    ],
)
def test_what_cells_mean(read, content, options, expected):
    first, second = content.split("\n")
    table = read(f"image,cat,dog\na.jpg,{first}\nb.jpg,{second}\n", **options)
    assert table.labels.tolist() == expected


@pytest.mark.parametrize("rows", ["1,0\n-1,1", "1,0\n-1,", "0,0\n-1,0"])
def test_which_of_zero_and_minus_one_is_unknown_is_asked(read, rows):
    first, second = rows.split("\n")
    asked = r"both 0 and -1 \(-1 in 1 of 4 cells, first in line 3, column 'cat'\).*`minus_one="
    with pytest.raises(ValueError, match=asked):
        read(f"image,cat,dog\na.jpg,{first}\nb.jpg,{second}\n")


def test_a_rare_minus_one_is_noted(read):
    columns = [f"class {index}" for index in range(150)]
    table = read(f"image,{','.join(columns)}\na.jpg,-1{',1' * 149}\nb.jpg{',1' * 150}\n")
    assert table.notes == (
        "-1 is rare here: -1 in 1 of 300 cells, first in line 2, column 'class 0'",
    )


def test_an_option_of_the_other_layout_is_refused(read):
    with pytest.raises(ValueError, match="`unlisted` is for tables with lists of class names"):
        read("image,cat\na.jpg,1\n", unlisted="negative")
    with pytest.raises(ValueError, match="`blank` is for tables with a column for each class"):
        read("image,positives\na.jpg,cat\n", blank="negative", unlisted="negative")


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\nimage;cat;dog\na.jpg;1;0\nb.jpg;0;1\n",
        '"sep=;"\r\nimage;cat;dog\r\na.jpg;1;0\r\nb.jpg;0;1\r\n',
        "sep=|\nimage|cat|dog\na.jpg|1|0\nb.jpg|0|1\n",
        "image,cat,dog,,\na.jpg,1,0,,\nb.jpg,0,1,,\n",
        "image,cat,dog,\na.jpg,1,0\nb.jpg,0,1,,,\n,,,\n",
        'image;"cat";"dog"\na.jpg;1;0\nb.jpg;0;1\n;;\n',
    ],
)
def test_what_spreadsheet_programs_add_is_no_label(read, content):
    table = read(content)
    assert table.class_names == ("cat", "dog")
    assert table.labels.tolist() == [[1, -1], [-1, 1]]


def test_a_separator_inside_names_does_not_win(read):
    content = "image;cat, small, grey;dog, big, brown;cow, any\na.jpg;1;0;0\nb.jpg;0;1;0\n"
    assert read(content).class_names == ("cat, small, grey", "dog, big, brown", "cow, any")


@pytest.mark.parametrize("row", ['"b.jpg,0', '"b"x.jpg,0'])
def test_a_stray_quotation_mark_is_refused_with_its_line(read, row):
    with pytest.raises(ValueError, match=r"line 3 is no CSV.*must stand in quotation marks"):
        read(f"image,cat\na.jpg,1\n{row}\n")


def test_a_list_separated_by_commas_is_no_class(read):
    content = "image;positives;negatives\na.jpg;cat;dog\nb.jpg;cat, dog;\n"
    with pytest.raises(ValueError, match=r"lists 'cat, dog' as one class beside .cat.; if commas"):
        read(content)
    chosen = read(content, class_names=["cat", "dog", "cat, dog"])
    assert chosen.labels.tolist() == [[1, -1, 0], [0, 0, 1]]


@pytest.mark.parametrize("twin", ["cat\u200b", "cat\u00a0", "\u202acat ", "c\u00adat"])
def test_classes_that_look_alike_are_refused(read, twin):
    with pytest.raises(ValueError, match=r"`class_names` must be distinct.*looks like 'cat dog'"):
        read(f"image,cat dog,{twin} dog\na.jpg,1,0\n")


def test_ones_and_blanks_alone_are_not_guessed(read):
    with pytest.raises(ValueError, match=r'no label is negative.*`blank="negative"`'):
        read("image,cat,dog\na.jpg,1,\nb.jpg,,1\n")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(read, separator, newline):
    lines = ["image,cat,dog", "a.jpg,1,0", "b.jpg,0,1", ""]
    content = newline.join(lines).replace(",", separator)
    assert read(content).labels.tolist() == [[1, -1], [-1, 1]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_never_reach_a_name(read, encoding):
    table = read("image,café\na.jpg,1\nb.jpg,0\n".encode(encoding))
    assert table.class_names == ("café",)
    assert table.names == ["a.jpg", "b.jpg"]


def test_another_encoding_is_named_and_can_be_given(read):
    content = "image,cat,café\na.jpg,1,0\n".encode("cp1252")
    with pytest.raises(ValueError, match=r'line 1 is not utf-8 \(byte 0xe9\).*encoding="cp1252"'):
        read(content)
    assert read(content, encoding="cp1252").class_names == ("cat", "café")


def test_blank_lines_are_no_rows(read):
    table = read("image,cat,dog\n\na.jpg,1,0\n,,\n   ,,\nb.jpg,0,1\n\n\n")
    assert table.names == ["a.jpg", "b.jpg"]


def test_blank_lines_above_the_column_names(read):
    assert read("\n\nimage;cat;dog\na.jpg;1;0\n").class_names == ("cat", "dog")


def test_quoted_names_and_folders(read):
    table = read('image,"cat, wild"\nmore\\d.jpg,1\n"a.jpg",0\n')
    assert table.class_names == ("cat, wild",)
    assert table.names == ["more/d.jpg", "a.jpg"]
    assert table.paths[0].is_file()


def test_classes_can_be_chosen_and_ordered(read):
    content = "image,cat,dog,cow\na.jpg,1,0,0\nb.jpg,0,1,0\n"
    table = read(content, class_names=["cow", "cat"])
    assert table.class_names == ("cow", "cat")
    assert table.labels.tolist() == [[-1, 1], [-1, -1]]
    with pytest.raises(ValueError, match="there is no column 'horse'; the columns are cat, dog"):
        read(content, class_names=["cat", "horse"])


def test_missing_images_are_listed_or_dropped(read):
    content = "image,cat\na.jpg,1\ngone.jpg,0\nb.jpg,0\n"
    with pytest.raises(ValueError, match=r"1 of 3 images are missing in .*: gone.jpg; correct"):
        read(content)
    table = read(content, missing="drop")
    assert table.names == ["a.jpg", "b.jpg"]
    assert table.labels.tolist() == [[1], [-1]]
    assert read(content, missing="keep").names == ["a.jpg", "gone.jpg", "b.jpg"]
    with pytest.raises(ValueError, match=r"not one of its 2 images is in .*check the folder"):
        read("image,cat\nx.jpg,1\ny.jpg,0\n")


def test_a_missing_folder_or_table_is_named(tmp_path, photos):
    with pytest.raises(ValueError, match=r"labels.csv: the file does not exist"):
        load_table(tmp_path / "labels.csv", photos)
    (tmp_path / "labels.csv").write_text("image,cat\na.jpg,1\n")
    with pytest.raises(ValueError, match="nowhere: the image folder does not exist"):
        load_table(tmp_path / "labels.csv", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        (" \n\n", "the file is empty"),
        ("\ufeff", "the file is empty"),
        (";;\n;;\n", "there is nothing but separators"),
        ("image\na.jpg\n", "the first line must name the columns, file name first"),
        ("a.jpg,1,0\nb.jpg,0,1\n", "the first line must name the columns, got the row"),
        ("image,cat\n", "there is no row below"),
        ("image,cat,cat\na.jpg,1,0\n", "column 'cat' is there twice"),
        ("image,cat,\na.jpg,1,0\n", "column '' has no name"),
        ("image,cat\na.jpg,1\nb.jpg\n", "line 3 has 1 cells, the first line 2"),
        ("image,cat\na.jpg,1\nb.jpg,1,0\n", "line 3 has 3 cells"),
        ("image,cat\na.jpg,1\n,0\n", "line 3 has no file name"),
        ("image,cat\na.jpg,1\nb.jpg,0\na.jpg,0\n", "'a.jpg' is in line 2 and again in line 4"),
        ("image,cat\na.jpg,1\nb.jpg,2\n", "line 3, column 'cat': a label must be .* got '2'"),
        (
            "image,cat\na.jpg,yes\nb.jpg,so\n",
            "line 3, column 'cat': .* got 'so'.*`--read ignore=cat`",
        ),
        (b"PK\x03\x04rest", "this is a workbook or an archive; save the sheet as CSV"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(read, content, message):
    with pytest.raises(ValueError, match=f"labels.csv: {message}"):
        read(content)


def test_positives_and_negatives_by_name(read):
    table = read("image,positives,negatives\na.jpg,dog; cat,cow\nb.jpg,,dog|cow\nc.jpg,,\n")
    assert table.class_names == ("cat", "cow", "dog")
    assert table.labels.tolist() == [[1, -1, 1], [0, -1, -1], [0, 0, 0]]


def test_negatives_unlisted_can_be_meant(read):
    content = "image,positives,negatives\na.jpg,dog,cow\n"
    table = read(content, class_names=["cat", "cow", "dog"], unlisted="negative")
    assert table.labels.tolist() == [[-1, -1, 1]]


def test_positives_alone_must_say_what_the_rest_is(read):
    content = "image,positives\na.jpg,dog\nb.jpg,cat;dog\n"
    with pytest.raises(ValueError, match='which labels are negative; pass `unlisted="negative"`'):
        read(content)
    assert read(content, unlisted="negative").labels.tolist() == [[-1, 1], [1, 1]]
    assert read(content, unlisted="unknown").labels.tolist() == [[0, 1], [1, 1]]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("image,positives,cow\na.jpg,dog,1\n", {},
         "holds lists of names in column 'positives' beside labels in column 'cow'"),
        ("image,positives,negatives\na.jpg,dog,dog\n", {}, "line 2 lists 'dog' as positive and as"),
        ("image,positives,negatives\na.jpg,dog,cow\n", {"class_names": ["cow"]},
         "line 2 lists the unknown class 'dog'; the classes are cow"),
        ("image,positives,negatives\na.jpg,,\n", {}, "no class is listed anywhere"),
        ("image,positives,negatives\na.jpg,x,\na.jpg,,x\n", {}, "'a.jpg' is in line 2 and again"),
    ],
)  # fmt: skip
def test_wrong_lists(read, content, options, message):
    with pytest.raises(ValueError, match=f"labels.csv: {message}"):
        read(content, **options)


RECORDS = [
    {"image": "a.jpg", "positives": ["dog"], "negatives": ["cat"]},
    {"image": "b.jpg", "negatives": ["dog"]},
]


def test_json_records(read):
    for data in (RECORDS, {"images": RECORDS}):
        table = read(json.dumps(data), name="labels.json")
        assert table.class_names == ("cat", "dog")
        assert table.labels.tolist() == [[-1, 1], [0, -1]]


def test_json_with_class_names_and_a_mark(read):
    data = json.dumps({"class_names": ["dog", "cow", "cat"], "images": RECORDS})
    table = read(data.encode("utf-8-sig"), name="labels.json")
    assert table.class_names == ("dog", "cow", "cat")
    assert table.labels.tolist() == [[1, 0, -1], [-1, 0, 0]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "line 1, column 2 is no JSON"),
        ("[]", "must hold a list of records"),
        ('{"class_names": 5, "images": []}', "`class_names` must be a list of names, got 5"),
        ('{"image": "a.jpg"}', "must hold a list of .* got an object with the keys image"),
        ('[{"a": 1, "b": 2}]', "record 0 must be .* got an object with the keys a, b"),
        ("[" * 100_000, "no JSON that can be read: lists within lists without end"),
        ("[1]", "record 0 must be an object with the file name as `image`, got 1"),
        ('[{"image": " "}]', "record 0 has no file name"),
        ('[{"image": "a.jpg", "labels": ["x"]}]', "nothing says which labels are negative"),
        ('[{"image": "a.jpg", "positives": [1]}]', "record 0: must list names, .* got .1"),
    ],
)
def test_wrong_json(read, content, message):
    with pytest.raises(ValueError, match=f"labels.json: {message}"):
        read(content, name="labels.json")


@pytest.mark.skipif(not SCENES.is_dir(), reason="the shared photographs are not here")
def test_the_shared_scenes():
    table = load_table(SCENES / "labels.csv", SCENES / "images")
    assert table.class_names == ("desert", "mountains", "sea", "sunset", "trees")
    assert (table.labels > 0).sum(0).tolist() == [409, 458, 580, 465, 560]
    assert torch.bincount((table.labels > 0).sum(1)).tolist() == [0, 1543, 442, 15]
    assert bool((table.labels != 0).all())
    image, labels = table[0]
    assert image.mode == "RGB"
    assert labels.tolist() == [1, -1, -1, -1, -1]


def test_every_row_that_is_there_twice_is_listed(read):
    with pytest.raises(ValueError, match=r"'a.jpg' is in line 2 and again in line 3; 'b.jpg'"):
        read("image,cat\na.jpg,1\na.jpg,0\nb.jpg,1\nb.jpg,1\n")
    rows = "".join(f"{number % 30}.jpg,{number % 2}\n" for number in range(60))
    with pytest.raises(
        ValueError, match=r"'19.jpg' is in line 21 and .* \(and 10 more\); keep one"
    ):
        read("image,cat\n" + rows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"zero": "unkown"}, "`zero` must be one of .*, got 'unkown'; did you mean 'unknown'"),
        ({"blank": 0}, "`blank` must be one of 'auto', 'negative', 'unknown', got 0"),
        ({"unlisted": "absent"}, "`unlisted` must be one of .*, got 'absent'"),
        ({"missing": "skip"}, "`missing` must be one of 'error', 'drop', 'keep', got 'skip'"),
    ],
)
def test_an_option_that_does_not_exist_is_refused(no_shape_checks, read, options, message):
    with pytest.raises(ValueError, match=message):
        read("image,cat\na.jpg,0\nb.jpg,1\n", **options)
