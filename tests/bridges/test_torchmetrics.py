import subprocess
import sys
import textwrap

import pytest
import torch
from torchmetrics import MetricCollection
from torchmetrics.classification import MultilabelAveragePrecision, MultilabelF1Score

from trmml.bridges import MeanAveragePrecision, SignedLabels
from trmml.metrics import average_precision, mean_average_precision


@pytest.fixture
def batches():
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(60, 4, generator=generator)
    labels = torch.randint(-1, 2, (60, 4), generator=generator)
    return list(zip(scores.split(25), labels.split(25), strict=True))


@pytest.fixture
def whole(batches):
    return tuple(map(torch.cat, zip(*batches, strict=True)))


@pytest.mark.parametrize("definition", ["plain", "interpolated", "sklearn"])
@pytest.mark.parametrize("unknown", ["exclude", "negative"])
def test_all_batches_are_ranked_together(definition, unknown, batches, whole):
    metric = MeanAveragePrecision(definition=definition, unknown=unknown)
    for batch in batches:
        metric.update(*batch)
    expected = mean_average_precision(*whole, definition=definition, unknown=unknown)
    assert metric.compute().item() == pytest.approx(expected)
    metric.reset()
    metric.update(*batches[0])
    once = mean_average_precision(*batches[0], definition=definition, unknown=unknown)
    assert metric.compute().item() == pytest.approx(once)


def test_translated_labels_give_what_is_right_and_signed_ones_a_wrong_number(batches, whole):
    right = average_precision(*whole, definition="sklearn")
    options = {"num_labels": 4, "average": None, "ignore_index": -1}
    metric = SignedLabels(MultilabelAveragePrecision(**options))
    for batch in batches:
        metric.update(*batch)
    silent = MultilabelAveragePrecision(**options)(*whole)  # no error, no warning
    torch.testing.assert_close(metric.compute(), right.float())
    assert not torch.allclose(silent, right.float(), atol=1e-2)


@pytest.mark.parametrize("ignored", [-1, -100])
def test_any_number_may_stand_for_unknown(ignored, batches):
    scores, labels = batches[0]
    metric = SignedLabels(MultilabelF1Score(num_labels=4, average="micro", ignore_index=ignored))
    decided, known = scores.sigmoid() >= 0.5, labels != 0
    hits = (decided & (labels == 1)).sum()
    expected = 2 * hits / ((decided & known).sum() + (labels == 1).sum())
    torch.testing.assert_close(metric(scores, labels), expected)
    torch.testing.assert_close(metric.compute(), expected)
    metric.reset()
    metric.update(scores[:1], labels[:1].abs())
    assert metric.compute() != expected


def test_they_stand_in_a_collection(batches, whole):
    metrics = MetricCollection(
        {
            "map": MeanAveragePrecision(),
            "f1": SignedLabels(MultilabelF1Score(num_labels=4, ignore_index=-1)),
        }
    )
    for batch in batches:
        metrics.update(*batch)
    found = metrics.compute()
    assert found["map"].item() == pytest.approx(mean_average_precision(*whole))
    assert 0 < found["f1"] < 1


@pytest.mark.parametrize("metric", [MultilabelF1Score(4), MultilabelF1Score(4, ignore_index=0)])
def test_a_metric_that_leaves_nothing_out_is_refused(metric):
    with pytest.raises(ValueError, match="must have an `ignore_index` other than 0 and 1"):
        SignedLabels(metric)


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize(
    "metric", [MeanAveragePrecision(), SignedLabels(MultilabelF1Score(2, ignore_index=-1))]
)
def test_what_does_not_fit_is_refused(metric):
    with pytest.raises(ValueError, match=r"must contain only -1 \(negative\)"):
        metric.update(torch.zeros(1, 2), torch.tensor([[2, 1]]))
    with pytest.raises(ValueError, match=r"must have the shape of `scores`, \[1, 2\], got \[2, 2"):
        metric.update(torch.zeros(1, 2), torch.ones(2, 2, dtype=torch.int64))


def test_without_torchmetrics_the_rest_works_and_it_says_how_to_install_it():
    code = """
        import sys
        sys.modules["torchmetrics"] = None
        from trmml.bridges import PartialLabelClassifier
        try:
            from trmml.bridges import SignedLabels
        except ModuleNotFoundError as error:
            print(error)
    """
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert "leads to torchmetrics; pip install" in said.stdout
    assert "[torchmetrics]" in said.stdout
