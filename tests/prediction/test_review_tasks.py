import json
from pathlib import Path

import pytest
import torch

from tests.prediction.photographs import NAMES
from trmml.data import ImageTable, open_split
from trmml.prediction import Proposal, merge_review, write_review_tasks


@pytest.fixture
def table(tmp_path):
    names = ["a, b.jpg", "Bäume/ü.jpg"]
    return ImageTable(tmp_path, names, torch.zeros(2, 3, dtype=torch.int64), NAMES)


@pytest.fixture
def proposals(table):
    return [
        Proposal(image, name, 1 if place else -1, 0.8 if place else 0.3, "calibrated")
        for image in table.names
        for place, name in enumerate(NAMES)
    ]


ANSWERS = [["yes"], ["no"], ["unknown"], [], ["yes", "no"], ["no", "no"]]
EXPECTED = [[1, -1, 0], [0, 0, -1]]


def choices(word):
    value = {"choices": [word]}
    result = {"from_name": "present", "to_name": "image", "type": "choices", "value": value}
    return {"result": [result], "was_cancelled": False}


def test_label_studio_gives_back_yes_no_and_unknown(table, proposals, tmp_path):
    path = tmp_path / "review.json"
    write_review_tasks(proposals, path, table=table, format="label-studio")
    tasks = json.loads(path.read_text(encoding="utf-8"))
    assert [task["data"]["class"] for task in tasks] == NAMES * 2
    said = [one["result"][0]["value"]["choices"] for task in tasks for one in task["predictions"]]
    assert said == [["no"], ["yes"], ["yes"]] * 2
    assert tasks[0]["predictions"][0]["score"] == pytest.approx(0.7)
    assert tasks[3]["data"]["image"] == (
        f"/data/local-files/?d={tmp_path.name}/B%C3%A4ume/%C3%BC.jpg"
    )
    for task, words in zip(tasks, ANSWERS, strict=True):
        task["annotations"] = [*map(choices, words), {**choices("yes"), "was_cancelled": True}]
    path.write_text(json.dumps(tasks))
    merged = merge_review(table, path)
    assert merged.table.labels.tolist() == EXPECTED
    assert (merged.accepted, merged.open) == (3, 3)


def test_fiftyone_gives_back_yes_no_and_unknown(table, proposals, tmp_path):
    path = tmp_path / "review.json"
    write_review_tasks(proposals, path, table=table, format="fiftyone")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert [sample["filepath"] for sample in content["samples"]] == [*map(str, table.paths)]
    assert content["sample_fields"].keys() == {"file", "proposals"}  # or it refuses the samples
    found = [one for sample in content["samples"] for one in sample["proposals"]["classifications"]]
    assert [one["confidence"] for one in found] == [0.3, 0.8, 0.8] * 2
    for one, words in zip(found, ANSWERS, strict=True):
        one["tags"] = [*words, "looked at"]
    path.write_text(json.dumps(content))
    merged = merge_review(table, path)
    assert merged.table.labels.tolist() == EXPECTED
    assert (merged.accepted, merged.open) == (3, 3)
    # It is a file that the reader of FiftyOne's datasets takes, too.
    assert len(open_split(path, images=tmp_path)[1]) == 2


# Written by FiftyOne 1.22.1 (`write_json`) and Label Studio 1.23.2, with `ANSWERS` given in them.
EXPORTS = Path(__file__).parent / "program_exports"


@pytest.mark.parametrize(
    "name", ["fiftyone.json", "label_studio.json", "label_studio_min.json", "label_studio.csv"]
)
def test_true_exports_are_read_back(table, name):
    assert merge_review(table, EXPORTS / name).table.labels.tolist() == EXPECTED


def test_an_image_from_elsewhere_is_at_its_whole_path(tmp_path):
    elsewhere = Path(tmp_path.anchor) / "elsewhere" / "a.jpg"
    labels = torch.zeros(1, 3, dtype=torch.int64)
    table = ImageTable(tmp_path / "photos", [str(elsewhere)], labels, NAMES)
    path = tmp_path / "review.json"
    found = [Proposal(table.names[0], NAMES[0], 1, 0.8, "probability")]
    write_review_tasks(found, path, table=table, format="label-studio")
    address = json.loads(path.read_text(encoding="utf-8"))[0]["data"]["image"]
    assert address.endswith("/elsewhere/a.jpg")
    assert "photos" not in address


def test_an_answer_about_a_whole_photograph_is_refused(table, proposals, tmp_path):
    path = tmp_path / "review.json"
    write_review_tasks(proposals, path, table=table, format="fiftyone")
    content = json.loads(path.read_text(encoding="utf-8"))
    content["samples"][1]["tags"] = ["mine", "yes"]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"sample 2: .*got the tag 'yes' of the photograph"):
        merge_review(table, path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "review.json: must hold the tasks or samples"),
        ('{"labels": []}', "review.json: must hold the tasks or samples"),
        ('[{"data": {"image": "a.jpg"}}]', "something else at 'file'"),
        ('[{"data": {"file": "c.jpg", "class": "sea"}}]', "task 1: the table has no image 'c.jpg'"),
        ("[", "line 1 is no JSON"),
        ('{"samples": [{"proposals": {"classifications": [{}]}}]}', "something else at 'file'"),
    ],
)
def test_what_is_no_review_is_said(table, tmp_path, content, message):
    path = tmp_path / "review.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        merge_review(table, path)


def test_an_answer_that_says_nothing_is_named(table, proposals, tmp_path):
    path = tmp_path / "review.json"
    write_review_tasks(proposals[:1], path, table=table, format="label-studio")
    tasks = json.loads(path.read_text(encoding="utf-8"))
    tasks[0]["annotations"] = [choices("cat")]
    path.write_text(json.dumps(tasks))
    with pytest.raises(ValueError, match="task 1: an answer must be yes, no or unknown, got 'cat'"):
        merge_review(table, path)
