import json
from xml.etree import ElementTree

import pytest
import torch

from tests.prediction.photographs import NAMES, table_of, write_pictures
from trmml.data import open_split
from trmml.prediction import label_studio_interface, write_annotations

FORMATS = ["label-studio", "fiftyone"]


@pytest.fixture
def table(tmp_path):
    table = table_of(tmp_path / "photos", write_pictures(tmp_path / "photos", 5))
    labels = table.labels.clone()
    labels[2] = 0  # an image that nobody has looked at
    return table.replace(labels=labels)


def probabilities(table):
    generator = torch.Generator().manual_seed(3)
    return torch.rand(table.labels.shape, generator=generator)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("scored", [False, True])
def test_what_is_known_and_what_is_not_comes_back(format, scored, table, tmp_path):
    path, given = tmp_path / "out.json", probabilities(table) if scored else None
    write_annotations(table, path, format=format, probabilities=given)
    _, back = open_split(path, images=table.root)
    assert back.names == table.names
    order = [back.class_names.index(name) for name in NAMES]
    assert back.labels[:, order].tolist() == table.labels.tolist()


def test_label_studio_gets_predictions_beside_what_is_known(table, tmp_path):
    given = probabilities(table)
    given[1] = torch.nan  # could not be read
    write_annotations(table, tmp_path / "o.json", format="label-studio", probabilities=given)
    tasks = json.loads((tmp_path / "o.json").read_text())
    assert [len(task["annotations"]) for task in tasks] == [
        int(bool(row.any())) for row in table.labels
    ]
    assert "predictions" not in tasks[1]
    (said,) = tasks[0]["predictions"]
    for one, name, score in zip(said["result"], NAMES, given[0].tolist(), strict=True):
        assert (one["from_name"], one["score"]) == (name, score)
        assert one["value"]["choices"] == ["yes" if score >= 0.5 else "no"]
    assert said["score"] == pytest.approx(float(torch.maximum(given[0], 1 - given[0]).min()))
    asked = ElementTree.fromstring(label_studio_interface(NAMES)).findall("Choices")
    assert [one.get("name") for one in asked] == NAMES
    assert [one.get("value") for one in asked[0]] == ["yes", "no", "unknown"]


def test_fiftyone_gets_confidences_and_a_tag_for_each_class(table, tmp_path):
    given = probabilities(table)
    write_annotations(table, tmp_path / "o.json", format="fiftyone", probabilities=given)
    content = json.loads((tmp_path / "o.json").read_text())
    for sample, labels, scores in zip(
        content["samples"], table.labels.tolist(), given.tolist(), strict=True
    ):
        found = sample["labels"]["classifications"]
        assert [one["tags"] for one in found] == [
            [{1: "yes", -1: "no", 0: "unknown"}[label]] for label in labels
        ]
        assert [one["confidence"] for one in found] == scores
    assert {*content["sample_fields"]} == {"file", "labels"}


def test_an_answer_in_fiftyone_counts_beside_the_tag_that_it_was_unknown(table, tmp_path):
    path = tmp_path / "o.json"
    write_annotations(table, path, format="fiftyone")
    content = json.loads(path.read_text())
    answers = {0: "yes", 1: "no"}
    for column, word in answers.items():
        content["samples"][2]["labels"]["classifications"][column]["tags"].append(word)
    path.write_text(json.dumps(content))
    _, back = open_split(path, images=table.root)
    order = [back.class_names.index(name) for name in NAMES]
    assert back.labels[2, order].tolist() == [1, -1, 0]


@pytest.mark.usefixtures("no_shape_checks")
def test_what_does_not_fit_is_refused(table, tmp_path):
    with pytest.raises(ValueError, match=r"`probabilities` must have the shape of the labels"):
        write_annotations(
            table, tmp_path / "o.json", format="fiftyone", probabilities=torch.ones(1, 3)
        )
    with pytest.raises(ValueError, match="`format` must be"):
        write_annotations(table, tmp_path / "o.json", format="excel")  # pyright: ignore[reportArgumentType]
    assert not (tmp_path / "o.json").exists()
