import json
from math import isnan, nan

import pytest
import torch

from trmml.metrics import class_table, mean_average_precision, precision_recall_f1
from trmml.prediction import calibrate_thresholds, evaluate_scores

NAMES = ["cat", "dog", "owl"]


def example(rows=40):
    generator = torch.Generator().manual_seed(3)
    labels = torch.randint(-1, 2, (rows, 3), generator=generator)
    return labels + 2 * torch.randn(rows, 3, generator=generator), labels


def test_the_figures_are_those_of_the_metrics():
    scores, labels = example()
    found = evaluate_scores(scores, labels, NAMES)
    assert (found.num_images, found.num_unreadable) == (40, 0)
    assert found.known_share == pytest.approx(float((labels != 0).double().mean()))
    assert found.mean_average_precision == mean_average_precision(scores, labels)
    interpolated = mean_average_precision(scores, labels, definition="interpolated")
    assert found.interpolated_mean_average_precision == interpolated
    decisions = precision_recall_f1(scores.sigmoid(), labels, threshold=0.5)
    for name, value in found.at_half._asdict().items():
        assert value == getattr(decisions, name)
    assert found.classes == class_table(scores.sigmoid(), labels, NAMES, threshold=0.5)
    assert found.at_thresholds is found.thresholds is None


def test_calibrated_thresholds_decide_beside_one_half():
    scores, labels = example()
    thresholds = calibrate_thresholds(scores.sigmoid(), labels)
    found = evaluate_scores(scores, labels, NAMES, thresholds=thresholds.tolist())
    decisions = precision_recall_f1(scores.sigmoid(), labels, threshold=thresholds)
    assert found.at_thresholds is not None
    assert found.at_thresholds.CF1 == decisions.CF1 != found.at_half.CF1
    assert [row.f1 for row in found.classes] == decisions.f1.tolist()
    assert found.thresholds == thresholds.tolist()


def test_saturated_probabilities_are_still_ranked():
    scores = torch.tensor([[40.0], [30.0], [20.0]])  # all of probability 1
    found = evaluate_scores(scores, torch.tensor([[1], [-1], [-1]]), ["cat"])
    assert found.mean_average_precision == 1
    assert found.classes[0].average_precision == 1


def test_images_that_could_not_be_read_are_left_out_and_counted():
    scores, labels = example()
    scores[[3, 8]] = nan
    kept = [row for row in range(40) if row not in (3, 8)]
    found = evaluate_scores(scores, labels, NAMES)
    assert (found.num_images, found.num_unreadable) == (38, 2)
    expected = mean_average_precision(scores[kept], labels[kept])
    assert found.mean_average_precision == expected


def test_what_cannot_be_said_is_null_in_json():
    scores, labels = torch.tensor([[1.0, 2.0]]), torch.tensor([[-1, 0]])
    found = evaluate_scores(scores, labels, NAMES[:2])
    assert isnan(found.mean_average_precision)
    report = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert report["mean_average_precision"] is None
    assert report["classes"][1] == {
        "name": "dog", "positives": 0, "negatives": 0, "average_precision": None,
        "precision": 0.0, "recall": None, "f1": None,
    }  # fmt: skip


def test_no_image_at_all_can_be_reported():
    found = evaluate_scores(torch.empty(0, 2), torch.empty(0, 2, dtype=torch.int8), NAMES[:2])
    assert json.dumps(found.as_dict(), allow_nan=False)
    assert found.num_images == 0


@pytest.mark.usefixtures("no_shape_checks")
def test_wrong_sizes_are_named():
    scores, labels = example()
    with pytest.raises(ValueError, match="`labels` must have the shape of `scores`"):
        evaluate_scores(scores, labels[:, :2], NAMES)
    with pytest.raises(ValueError, match="`thresholds` must have 3 numbers"):
        evaluate_scores(scores, labels, NAMES, thresholds=[0.5])
    with pytest.raises(ValueError, match="`class_names` must have 3 names"):
        evaluate_scores(scores, labels, NAMES[:2])
