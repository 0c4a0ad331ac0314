import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trmml.metrics import precision_recall_f1
from trmml.prediction import calibrate_thresholds


def f1_at(probabilities, labels, threshold):
    return precision_recall_f1(probabilities, labels, threshold=threshold).f1


def known_both(labels):
    return (labels > 0).any(0) & (labels < 0).any(0)


@st.composite
def cases(draw):
    rows, classes = draw(st.integers(1, 12)), draw(st.integers(1, 4))
    # Few levels, so that ties are common; the extremes, so that saturation is.
    level = st.sampled_from([0.0, 1e-30, 0.1, 0.3, 0.5, 0.50000006, 0.7, 1.0])
    values = st.lists(level, min_size=rows * classes, max_size=rows * classes)
    sign = st.lists(st.sampled_from([-1, 0, 1]), min_size=rows * classes, max_size=rows * classes)
    probabilities = torch.tensor(draw(values)).view(rows, classes)
    labels = torch.tensor(draw(sign)).view(rows, classes)
    labels[0, 0] = -1  # an evaluation needs a known negative
    return probabilities, labels


@given(cases())
def test_no_other_threshold_is_better_on_the_same_data(case):
    probabilities, labels = case
    thresholds = calibrate_thresholds(probabilities, labels)
    found = f1_at(probabilities, labels, thresholds)[known_both(labels)]
    for other in (*probabilities.unique().tolist(), 0.5):
        there = f1_at(probabilities, labels, other)[known_both(labels)]
        assert (found >= there - 1e-12).all()


@given(cases())
def test_unknown_labels_change_nothing(case):
    probabilities, labels = case
    changed = torch.where(labels == 0, 1 - probabilities, probabilities)
    expected = calibrate_thresholds(probabilities, labels)
    assert torch.equal(calibrate_thresholds(changed, labels), expected)


@given(cases())
def test_the_order_of_the_images_does_not_matter(case):
    probabilities, labels = case
    expected = calibrate_thresholds(probabilities, labels)
    assert torch.equal(calibrate_thresholds(probabilities.flip(0), labels.flip(0)), expected)


def test_the_threshold_is_midway_and_of_equals_the_highest():
    probabilities = torch.tensor([[0.9], [0.8], [0.6], [0.2]])
    separable = torch.tensor([[1], [1], [-1], [-1]])
    assert calibrate_thresholds(probabilities, separable).tolist() == pytest.approx([0.7])
    # One hit of one decision, or two of four: both 2/3.
    apart = torch.tensor([[1], [-1], [-1], [1]])
    assert calibrate_thresholds(probabilities, apart).tolist() == pytest.approx([0.85])


def test_neighbouring_floats_are_told_apart():
    low = torch.tensor(0.3)
    high = low.nextafter(torch.tensor(1.0))
    probabilities, labels = torch.stack([high, low])[:, None], torch.tensor([[1], [-1]])
    (threshold,) = calibrate_thresholds(probabilities, labels)
    assert (probabilities.flatten() >= threshold).tolist() == [True, False]


def test_a_class_without_both_signs_takes_the_threshold_of_all():
    probabilities = torch.tensor([[0.9, 0.4, 0.3, 0.5], [0.5, 0.3, 0.4, 0.2]])
    labels = torch.tensor([[1, 1, -1, 0], [-1, 1, -1, 0]])
    first, *others = calibrate_thresholds(probabilities, labels).tolist()
    assert first == pytest.approx(0.7)
    # Pooled: positives .9 .4 .3, negatives .5 .4 .3; all six give 2/3, the best.
    assert others == pytest.approx([0.15, 0.15, 0.15])


def test_one_half_where_nothing_is_known_of_one_sign():
    probabilities = torch.tensor([[0.9, 0.4]])
    for labels in ([[-1, -1]], [[0, 0]], [[-1, 0]]):
        assert calibrate_thresholds(probabilities, torch.tensor(labels)).tolist() == [0.5, 0.5]


def test_unreadable_images_are_left_out():
    probabilities = torch.tensor([[0.9], [float("nan")], [0.1]])
    labels = torch.tensor([[1], [1], [-1]])
    assert calibrate_thresholds(probabilities, labels).tolist() == [0.5]


def test_logits_are_refused():
    with pytest.raises(ValueError, match=r"must be in \[0, 1\], got values from -2 to 3"):
        calibrate_thresholds(torch.tensor([[3.0], [-2.0]]), torch.tensor([[1], [-1]]))
