import csv
import json

import pytest

from tests.data.readers.pictures import write_pictures
from trmml.data import ReadingOptions, open_split
from trmml.data.readers.label_studio import load_label_studio


def choices(question, *values: str):
    return {
        "from_name": question,
        "to_name": "img",
        "type": "choices",
        "value": {"choices": [*values]},
    }


def task(image, *annotations: list, cancelled=False):
    return {
        "id": 7,
        "data": {"note": "by hand", "image": image},
        "annotations": [{"result": one, "was_cancelled": cancelled} for one in annotations],
        "predictions": [{"result": [choices("seen", "dog")]}],
    }


def write(folder, content, name="export.json"):
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder / name


def read(path, images=None, **options):
    table = open_split(path, images=images or path.parent, reading=ReadingOptions(**options))[1]
    return table, dict(zip(table.names, table.labels.tolist(), strict=True))


def test_one_question_with_several_choices(tmp_path):
    box = {"from_name": "box", "type": "rectanglelabels", "value": {"rectanglelabels": ["car"]}}
    path = write(
        tmp_path,
        [
            task("a.jpg", [choices("seen", "dog", "cat"), box]),
            task("b.jpg", [choices("seen", "owl")]),
            task("none.jpg", []),
            task("skipped.jpg", [choices("seen", "owl")], cancelled=True),
            task("new.jpg"),
            task("disputed.jpg", [choices("seen", "cat")], [choices("seen", "cat", "dog")]),
        ],
    )
    table, rows = read(path)
    assert table.class_names == ("cat", "dog", "owl")
    assert rows == {
        "a.jpg": [1, 1, -1], "b.jpg": [-1, -1, 1], "none.jpg": [-1, -1, -1],
        "skipped.jpg": [0, 0, 0], "new.jpg": [0, 0, 0], "disputed.jpg": [1, 0, -1],
    }  # fmt: skip
    assert table.notes == (
        "2 of 6 images were not answered and are unknown",
        "1 labels are unknown, since people disagree about them",
        "what was not chosen counts as absent (`unlisted`)",
        "1 images were answered with no choice at all",
    )
    assert read(path, unlisted="unknown")[1]["a.jpg"] == [1, 1, 0]


def test_questions_of_yes_and_no_are_classes(tmp_path):
    path = write(
        tmp_path,
        [
            task("a.jpg", [choices("cat", "Yes"), choices("dog", "no")]),
            task("b.jpg", [choices("cat", "unsure"), choices("dog", "no", "yes")]),
            task("c.jpg", [choices("dog", "yes"), choices("light", "day")]),
        ],
    )
    table, rows = read(path)
    assert table.class_names == ("day", "cat", "dog")
    assert rows == {"a.jpg": [-1, 1, -1], "b.jpg": [-1, 0, 0], "c.jpg": [1, 0, 1]}


def test_a_choice_that_means_unknown_is_no_class(tmp_path):
    answers = [["cat"], ["unsure"], ["dog", "Not sure"]]
    path = write(
        tmp_path,
        [task(f"{i}.jpg", [choices("seen", *one)]) for i, one in enumerate(answers)],
    )
    table, rows = read(path)
    assert table.class_names == ("cat", "dog")
    assert rows == {"0.jpg": [1, -1], "1.jpg": [0, 0], "2.jpg": [0, 1]}


def test_a_value_of_two_questions_is_two_classes(tmp_path):
    path = write(
        tmp_path, [task("a.jpg", [choices("front", "car", "cat"), choices("back", "car")])]
    )
    assert read(path)[0].class_names == ("front car", "cat", "back car")


FLAT = {"id": 1, "annotator": 1, "annotation_id": 1, "lead_time": 2.5}


def test_the_short_form(tmp_path):
    path = write(
        tmp_path,
        [
            {"image": "a.jpg", "seen": "cat", **FLAT},
            {"image": "b.jpg", "seen": {"choices": ["cat", "dog"]}, **FLAT},
            {"image": "b.jpg", "seen": {"choices": ["dog"]}, **FLAT},
            {"image": "c.jpg", **FLAT},
        ],
    )
    assert read(path)[1] == {"a.jpg": [1, -1], "b.jpg": [0, 1], "c.jpg": [-1, -1]}
    several = [{"image": "a.jpg", "cat": "yes", "dog": "no", **FLAT}, {"image": "b.jpg", **FLAT}]
    assert read(write(tmp_path, several))[1] == {"a.jpg": [1, -1], "b.jpg": [0, 0]}
    open_ = [{"image": "a.jpg", "place": "Bern", "seen": "cat", **FLAT}]
    with pytest.raises(
        ValueError, match=r"export.json: .* which of the columns place, seen are ch"
    ):
        read(write(tmp_path, open_))


@pytest.mark.parametrize(("name", "separator"), [("export.csv", ","), ("export.tsv", "\t")])
def test_the_table(tmp_path, name, separator):
    path = tmp_path / name
    rows = [
        ["a.jpg", '{"choices": ["cat", "dog"]}', "False"],
        ["b.jpg", "cat", "False"],
        ["c.jpg", "dog", "True"],
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=separator, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(["annotation_id", "image", "lead_time", "seen", "was_cancelled"])
        writer.writerows([i, name, 1.5, seen, skip] for i, (name, seen, skip) in enumerate(rows))
    assert read(path)[1] == {"a.jpg": [1, 1], "b.jpg": [1, -1], "c.jpg": [0, 0]}


def test_images_are_found_by_what_is_left_of_their_address(tmp_path):
    addresses = [
        "/data/upload/3/0a1b2c3d-a.jpg",
        "/data/local-files/?d=photos/b%20b.jpg",
        "s3://bucket/deep/c.jpg?versionId=1",
        "http://example.org/x/gone.jpg",
    ]
    write_pictures(tmp_path, ["a.jpg", "photos/b b.jpg", "c.jpg"])
    path = write(tmp_path, [task(address, [choices("seen", "cat")]) for address in addresses])
    assert read(path)[0].names == ["a.jpg", "photos/b b.jpg", "c.jpg", "x/gone.jpg"]
    twice = [task(f"http://{host}/c.jpg", [choices("seen", "cat")]) for host in ("a", "b")]
    with pytest.raises(ValueError, match=r"several images are called 'c.jpg'"):
        read(write(tmp_path, twice))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([task("a.jpg", [{"type": "rectanglelabels"}])], "there is no choice in it"),
        ([task("a.txt", [])], "no column has an image file in every row, got note, image"),
        ([task("a.jpg", [{"kind": "choices"}])], "must be a list of tasks with `data` and `anno"),
        ([task("a.jpg", []), 5], "must be a list of tasks with `data` and `annotations`"),
        ([{"image": "a.jpg", "seen": "cat", **FLAT}, 5], "must be a list of records as Label Stu"),
        ([{"image": "a.jpg", "seen": {"choices": 5}, **FLAT}], "something else at the choice '5'"),
        (
            [task("a.jpg", [{"type": "choices", "from_name": "x", "value": {"choices": 5}}])],
            "at the",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, message):
    with pytest.raises(ValueError, match=f"export.json: .*{message}"):
        read(write(tmp_path, content))


def test_unlisted_is_checked(tmp_path, no_shape_checks):
    with pytest.raises(ValueError, match="`unlisted` must be one of 'negative', 'unknown'"):
        load_label_studio(tmp_path, tmp_path, unlisted="absent")  # type: ignore[arg-type]
