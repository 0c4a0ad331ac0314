import math

import pytest
import torch

from tests._references import decisions as reference
from trmml.metrics import ScoreAccumulator, decide, precision_recall_f1

FAMILIES = ["OP", "OR", "OF1", "CP", "CR", "CF1", "macro_F1"]


@pytest.fixture
def case():
    scores = torch.randint(0, 11, (80, 7)).double() / 10
    labels = torch.randint(-1, 2, (80, 7))
    labels[:, 3] = -1
    scores[:, 5] = 0.1
    return scores, labels


@pytest.mark.parametrize(("threshold", "top_k"), [(0.5, None), (None, 3), (0.5, 3), (0.9, 1)])
@pytest.mark.parametrize("unknown", ["exclude", "negative"])
@pytest.mark.parametrize("empty", ["skip", "zero"])
def test_equals_counting_by_hand(case, threshold, top_k, unknown, empty):
    scores, labels = case
    found = precision_recall_f1(
        scores, labels, threshold=threshold, top_k=top_k, unknown=unknown, empty=empty
    )
    expected = reference.families(
        scores.tolist(), labels.tolist(), threshold, top_k, unknown, empty
    )
    assert {name: getattr(found, name) for name in FAMILIES} == pytest.approx(expected, abs=1e-12)


def test_equals_scikit_learn(case):
    from sklearn.metrics import f1_score, precision_score, recall_score

    scores, labels = case
    labels = torch.where(labels == 0, -1, labels)[:, [0, 1, 2, 4, 5, 6]]
    scores = scores[:, [0, 1, 2, 4, 5, 6]]
    found = precision_recall_f1(scores, labels, threshold=0.5)
    pair = ((labels > 0).numpy(), (scores >= 0.5).numpy())
    for name, metric, average in [
        ("OP", precision_score, "micro"),
        ("OR", recall_score, "micro"),
        ("OF1", f1_score, "micro"),
        ("CP", precision_score, "macro"),
        ("CR", recall_score, "macro"),
        ("macro_F1", f1_score, "macro"),
    ]:
        expected = metric(*pair, average=average, zero_division=0)  # type: ignore[arg-type]
        assert getattr(found, name) == pytest.approx(expected, abs=1e-12)


def test_equals_torchmetrics_with_unknowns(case):
    from torchmetrics.functional.classification import multilabel_f1_score, multilabel_precision

    scores, labels = case
    keep = [0, 1, 2, 4, 6]
    scores, labels = scores[:, keep], labels[:, keep]
    target = torch.where(labels == 0, -9, (labels > 0).long())
    found = precision_recall_f1(scores, labels, threshold=0.45)
    options = {"num_labels": 5, "threshold": 0.45, "ignore_index": -9}
    expected = multilabel_f1_score(scores, target, average="macro", **options)
    assert found.macro_F1 == pytest.approx(float(expected), abs=1e-6)
    expected = multilabel_precision(scores, target, average="micro", **options)
    assert pytest.approx(float(expected), abs=1e-6) == found.OP


def test_the_two_cf1_by_hand():
    scores = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    labels = torch.tensor([[1, 1], [-1, 1], [-1, 1], [-1, 1]])
    found = precision_recall_f1(scores, labels, threshold=0.5)
    assert (found.CP, found.CR) == (0.75, 0.625)
    assert pytest.approx(2 * 0.75 * 0.625 / 1.375) == found.CF1
    assert found.macro_F1 == pytest.approx((2 / 3 + 2 / 5) / 2)


def test_the_harmonic_of_means_is_never_below_the_mean_of_harmonics():
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        scores = torch.rand(30, 5, generator=generator)
        labels = torch.randint(0, 2, (30, 5), generator=generator) * 2 - 1
        found = precision_recall_f1(scores, labels, threshold=0.6)
        assert found.macro_F1 - 1e-12 <= found.CF1


def test_order_of_rows_and_classes_does_not_matter(case):
    scores, labels = case
    before = precision_recall_f1(scores, labels, threshold=0.5)
    rows, classes = torch.randperm(80), torch.randperm(7)
    after = precision_recall_f1(scores[rows][:, classes], labels[rows][:, classes], threshold=0.5)
    assert before[:7] == pytest.approx(after[:7], abs=1e-12)
    assert torch.equal(before.true_positives[classes], after.true_positives)


def test_the_border_is_inside_or_outside():
    scores = torch.tensor([[0.5, 0.4, 0.6]])
    assert decide(scores, threshold=0.5).tolist() == [[True, False, True]]
    assert decide(scores, threshold=0.5, inclusive=False).tolist() == [[False, False, True]]


def test_a_threshold_for_each_class():
    scores = torch.tensor([[0.5, 0.5, 0.5]])
    thresholds = torch.tensor([0.4, 0.5, 0.6])
    assert decide(scores, threshold=thresholds).tolist() == [[True, True, False]]


def test_best_classes_with_ties_take_the_lower_index():
    scores = torch.tensor([[0.2, 0.9, 0.9, 0.9], [0.1, 0.1, 0.1, 0.1]])
    chosen = decide(scores, threshold=None, top_k=2)
    assert chosen.int().tolist() == [[0, 1, 1, 0], [1, 1, 0, 0]]
    assert decide(scores, threshold=None, top_k=9).all()


def test_unknown_labels_change_nothing(case):
    scores, labels = case
    before = precision_recall_f1(scores, labels, threshold=0.5)
    changed = torch.where(labels == 0, 1 - scores, scores)
    after = precision_recall_f1(changed, labels, threshold=0.5)
    assert before[:7] == after[:7]


def test_a_class_without_positives_is_nan_and_counted(case):
    found = precision_recall_f1(*case, threshold=0.5)
    assert found.num_empty == 1
    assert math.isnan(found.recall[3])
    assert math.isnan(found.f1[3])
    assert found.precision[5] == 0


def test_nothing_decided_is_zero_and_nothing_labelled_is_nan():
    scores, labels = torch.zeros(3, 2), torch.tensor([[1, -1], [1, 1], [-1, 1]])
    assert precision_recall_f1(scores, labels, threshold=0.5)[:7] == (0.0,) * 7
    found = precision_recall_f1(scores, torch.zeros(3, 2), threshold=0.5)
    assert (found.OP, found.OR, found.OF1) == (0.0, 0.0, 0.0)
    assert all(math.isnan(value) for value in found[3:7])
    assert precision_recall_f1(scores, torch.zeros(3, 2), threshold=0.5, empty="zero").CF1 == 0


def test_streaming_gives_the_same(case):
    scores, labels = case
    accumulator = ScoreAccumulator()
    for part in range(0, 80, 9):
        accumulator.update(scores[part : part + 9], labels[part : part + 9])
    found = accumulator.precision_recall_f1(threshold=0.5, top_k=3)
    assert found[:7] == precision_recall_f1(scores, labels, threshold=0.5, top_k=3)[:7]


def test_bad_input_says_what_to_do(case, no_shape_checks):
    with pytest.raises(ValueError, match="`threshold` must be given unless `top_k` is"):
        precision_recall_f1(*case, threshold=None)
    with pytest.raises(ValueError, match="`top_k` must be at least 1, got 0"):
        precision_recall_f1(*case, threshold=0.5, top_k=0)
    with pytest.raises(ValueError, match="`empty` must be one of 'skip', 'zero', got '"):
        precision_recall_f1(*case, threshold=0.5, empty="one")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"`labels` must contain a known negative"):
        precision_recall_f1(case[0], case[1].clamp(min=0), threshold=0.5)
