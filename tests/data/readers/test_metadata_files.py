import json

import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import ReadingOptions, find_splits, open_split

NEGATIVE = ReadingOptions(unlisted="negative")


def write(folder, records, name="metadata.jsonl"):
    write_pictures(folder, [record["file_name"] for record in records])
    lines = [json.dumps(record) for record in records]
    (folder / name).write_text("\n".join(lines) + "\n\n")


def test_a_folder_of_hugging_face(tmp_path):
    write(
        tmp_path,
        [
            {"file_name": "a.png", "tags": ["cat", "dog"], "text": "two animals"},
            {"file_name": "b.png", "tags": []},
        ],
    )
    name, table = open_split(tmp_path, reading=NEGATIVE)
    assert name == "image-folder"
    assert table.names == ["a.png", "b.png"]
    assert table.class_names == ("cat", "dog")
    assert table.labels.tolist() == [[1, 1], [-1, -1]]
    assert table.notes == ("left aside, since no label is in them: the columns text",)


def test_a_file_in_the_folder_of_each_split(tmp_path):
    write(tmp_path / "train", [{"file_name": "images/a.png", "cat": True, "dog": False}])
    write(tmp_path / "test", [{"file_name": "b.png", "cat": 0, "dog": 1}])
    assert sorted(find_splits(tmp_path)) == ["image-folder/test", "image-folder/train"]
    _, table = open_split(tmp_path, "image-folder/train")
    assert (table.root, table.labels.tolist()) == (tmp_path / "train", [[1, -1]])
    assert table.paths[0].is_file()


def test_a_file_of_csv(tmp_path):
    write_pictures(tmp_path, ["a.png"])
    (tmp_path / "metadata.csv").write_text("file_name,cat\na.png,1\n")
    assert open_split(tmp_path)[1].labels.tolist() == [[1]]


def test_a_column_of_splits_that_are_numbers(tmp_path):
    write_pictures(tmp_path, ["a.png", "b.png", "c.png"])
    (tmp_path / "metadata.csv").write_text(
        "img_id,img_filename,bird,split\n3,a.png,1,0\n4,b.png,0,1\n5,c.png,0,2\n"
    )
    assert list(find_splits(tmp_path)) == [f"image-folder/{split}" for split in range(3)]
    _, table = open_split(tmp_path, "image-folder/1")
    assert (table.class_names, table.names) == (("bird",), ["b.png"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2 is no JSON"),
        ("[1]", "line 2 must be an object with named values, got .1."),
        ('{"file_name": "a.png", "tags": ["x"]}', "'a.png' is in line 1 and again in line 2"),
        ('{"tags": ["x"]}', "line 2 has no file name"),
        ('{"file_name": "b.png", "tags": [1]}', "line 2: must list names"),
    ],
)
def test_wrong_lines_are_named(tmp_path, line, message):
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.png", "tags": ["cat"]}\n' + line)
    with pytest.raises(ValueError, match=f"metadata.jsonl: {message}"):
        open_split(tmp_path, reading=NEGATIVE)
