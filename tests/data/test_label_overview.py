import json

import pytest
import torch

from trmml.data import DatasetReport, label_overview, overview_page
from trmml.data.label_overview import MOST_TOGETHER

NAMES = ["sea", "boat", "sky"]


def counted_by_loops(labels: list[list[int]], names: list[str]) -> dict[str, object]:
    """The counts as their definitions have them."""
    known = [[value for value in row if value != 0] for row in labels]
    each = [[row[column] for row in labels] for column in range(len(names))]
    order = sorted(range(len(names)), key=lambda column: -each[column].count(1))[:MOST_TOGETHER]
    by_image = [row.count(1) for row in labels]
    return {
        "images": len(labels),
        "without_labels": sum(not row for row in known),
        "positives_by_image": [by_image.count(k) for k in range(max(by_image, default=-1) + 1)],
        "classes": [
            {
                "name": name,
                "positives": column.count(1),
                "negatives": column.count(-1),
                "unknown": column.count(0),
            }
            for name, column in zip(names, each, strict=True)
        ],
        "together": {
            "names": [names[column] for column in order],
            "counts": [
                [sum(row[one] == 1 and row[other] == 1 for row in labels) for other in order]
                for one in order
            ],
        },
    }


@pytest.mark.parametrize("images", [0, 1, 50])
@pytest.mark.parametrize("classes", [3, MOST_TOGETHER + 5])
@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.float32])
def test_counts_are_those_of_the_definitions(images: int, classes: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(images)
    labels = torch.randint(-1, 2, (images, classes), generator=generator)
    names = [f"class {column}" for column in range(classes)]
    assert label_overview(labels.to(dtype), names) == counted_by_loops(labels.tolist(), names)


def test_all_unknown_is_counted() -> None:
    found = label_overview(torch.zeros(4, 3, dtype=torch.int8), NAMES)
    assert (found["without_labels"], found["positives_by_image"]) == (4, [4])
    assert found["together"]["counts"] == [[0] * 3] * 3
    assert json.loads(json.dumps(found)) == found


def test_a_wrong_number_of_names_is_refused() -> None:
    with pytest.raises(ValueError, match="`class_names` must have 3 names, one a class, got 2"):
        label_overview(torch.zeros(4, 3, dtype=torch.int8), NAMES[:2])


def test_the_page_shows_labels_and_findings_of_every_split() -> None:
    labels = torch.tensor([[1, 1, 0], [0, 1, -1], [0, 0, 0]])
    whole = DatasetReport(
        "mine/train", rows=3, classes=3, notes=["<odd>"], overview=label_overview(labels, NAMES)
    )
    page = overview_page([whole, DatasetReport("mine/val", problems=["nothing there"])], title="m")
    assert "3 images, 3 classes. 1 images have no known label." in page
    assert "0 in 1 images, 1 in 1 images, 2 in 1 images." in page
    assert "boat: 2 known to be there, 0 known not to be, 1 unknown" in page
    assert "note: &lt;odd&gt;" in page
    assert "<h2>Labels of mine/train</h2>" in page
    assert "mine/val: NOT usable" in page
    assert "problem: nothing there" in page


def test_more_classes_than_a_matrix_shows_are_said_to_be() -> None:
    names = [f"class {column}" for column in range(MOST_TOGETHER + 1)]
    labels = torch.ones(2, len(names), dtype=torch.int8)
    report = DatasetReport("m", overview=label_overview(labels, names))
    assert "the 30 with the most positives of 31 classes" in overview_page([report], title="m")
