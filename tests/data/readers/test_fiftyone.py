import json

import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import ReadingOptions, find_splits, open_split
from trmml.data.readers.fiftyone import load_fiftyone


def write(folder, content, name="labels.json"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content))
    write_pictures(folder / "data", ["a.jpg", "b.c.png"])
    return folder


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        (["cat", "dog"], {"a": [0, 1], "b.c": 1, "gone": None}),
        (["cat", "dog"], {"a": [{"label": 0, "confidence": 1.0}, {"label": 1}], "b.c": [1]}),
        (None, {"a": ["cat", "dog"], "b.c": "dog"}),
        (["cat", "dog"], {"a": ["dog", "cat"], "b.c": {"label": "dog"}}),
    ],
)
def test_classifications_by_number_or_by_name(tmp_path, classes, labels):
    write(tmp_path, {"classes": classes, "labels": labels})
    name, table = open_split(tmp_path)
    assert (name, table.class_names) == ("fiftyone", ("cat", "dog"))
    assert table.names == ["a.jpg", "b.c.png", "gone"][: len(labels)]
    assert table.labels.tolist() == [[1, 1], [-1, 1], [0, 0]][: len(labels)]
    assert table[1][0].size == (8, 6)
    table = open_split(tmp_path, reading=ReadingOptions(unlisted="unknown"))[1]
    assert table.labels[1].tolist() == [0, 1]
    assert open_split(tmp_path / "labels.json", images=tmp_path / "data")[0] == "labels.json"


def samples(**fields):
    return {
        "samples": [
            {"filepath": f"data/{name}", "tags": ["x"], **{k: v[i] for k, v in fields.items()}}
            for i, name in enumerate(("a.jpg", "b.c.png"))
        ]
    }


MANY = {"_cls": "Classifications", "classifications": [{"label": "cat"}, {"label": "dog"}]}
ONE = {"_cls": "Classification", "label": "cat"}
BOXES = {"_cls": "Detections", "detections": [{"label": "car"}]}


def test_a_whole_dataset(tmp_path):
    write(tmp_path, samples(truth=[MANY, None], boxes=[BOXES, BOXES]), "samples.json")
    name, table = open_split(tmp_path)
    assert (name, table.names) == ("fiftyone", ["a.jpg", "b.c.png"])
    assert table.labels.tolist() == [[1, 1], [0, 0]]


def test_each_field_of_classifications_is_a_split(tmp_path):
    write(tmp_path, samples(truth=[MANY, ONE], guess=[ONE, ONE]), "samples.json")
    assert [*find_splits(tmp_path)] == ["fiftyone/truth", "fiftyone/guess"]
    assert open_split(tmp_path, "fiftyone/truth")[1].labels.tolist() == [[1, 1], [1, -1]]
    with pytest.raises(ValueError, match=r"`field` must be one that .*are truth, guess, got None"):
        load_fiftyone(tmp_path / "samples.json", tmp_path / "data")


def test_folders_of_splits(tmp_path):
    for split in ("train", "validation"):
        write(tmp_path / split, {"classes": None, "labels": {"a": "cat"}})
    assert [*find_splits(tmp_path)] == ["fiftyone/train", "fiftyone/validation"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"classes": ["cat"], "labels": {"a": 1}}, "got something else at list index out of range"),
        ({"classes": ["cat"], "labels": {"a": -1}}, "got something else at class -1"),
        ({"classes": ["cat"], "labels": {"a": 0.5}}, "got something else at the target 0.5"),
        ({"classes": 5, "labels": {}}, "must hold `classes` and `labels`"),
        ({"classes": [], "labels": {"a": []}}, "there is no choice in it"),
        ({"samples": 5}, "must hold `classes` and `labels`, or `samples`"),
        (samples(boxes=[BOXES, BOXES]), "which are none, got None"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, message):
    with pytest.raises(ValueError, match=f"labels.json: .*{message}"):
        open_split(write(tmp_path, content) / "labels.json")
