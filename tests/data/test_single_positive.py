import numpy as np
import pytest
import torch

from tests._references import partial_labels as reference
from trmml.data import keep_single_positive, keep_some_positives, split_train_validation


def full_labels(rows=60, classes=9, share=0.3, seed=0):
    return np.where(np.random.RandomState(seed).rand(rows, classes) < share, 1, -1)


def test_spml_equals_the_loops():
    full = full_labels()
    full[10] = -1
    assert keep_single_positive(full).tolist() == reference.spml(full.tolist(), 1200)
    assert keep_single_positive(full, seed=7).tolist() == reference.spml(full.tolist(), 7)


def test_the_negative_shuffle_moves_the_generator_on():
    full = full_labels()
    generator = np.random.RandomState(1200)
    without = []
    for row in full:
        positives = np.flatnonzero(row == 1)
        generator.shuffle(positives)
        without.append(positives[0] if len(positives) else -1)
    found = [np.argmax(row) if row.any() else -1 for row in keep_single_positive(full)]
    assert found[0] == without[0]
    assert found != without


@pytest.mark.parametrize("protocol", ["spml", "splc"])
def test_one_true_positive_of_each_row_and_nothing_else(protocol):
    full = full_labels()
    full[10] = -1
    single = keep_single_positive(full, protocol=protocol)
    assert set(np.unique(single)) == {0, 1}
    assert np.array_equal(single.sum(1), (full == 1).any(1))
    assert (full[single == 1] == 1).all()


@pytest.mark.parametrize("protocol", ["spml", "splc"])
def test_zero_one_labels_give_the_same(protocol):
    full = full_labels()
    expected = keep_single_positive(full, protocol=protocol)
    assert np.array_equal(keep_single_positive((full == 1) * 1.0, protocol=protocol), expected)
    found = keep_single_positive(torch.from_numpy(full).float(), protocol=protocol)
    assert found.dtype == torch.float32
    assert np.array_equal(found.numpy(), expected)


def test_splc_law_is_uniform_over_positives():
    full = np.tile(np.array([[1, -1, 1, 1, -1, 1]]), (8000, 1))
    shares = keep_single_positive(full, protocol="splc").mean(0)
    assert shares[[1, 4]].tolist() == [0, 0]
    assert shares[[0, 2, 3, 5]] == pytest.approx(0.25, abs=0.02)


def test_splc_left_lists_keep_the_law_counts():
    full = full_labels(400, 12, share=0.5)
    full[3] = -1
    n = (full == 1).sum(1)
    for divisor in (1, 2, 5):
        kept = keep_some_positives(full, divisor)
        assert (full[kept == 1] == 1).all()
        assert kept.sum(1).tolist() == [min(k, k // divisor + 1) if k else 0 for k in n]


def test_left_lists_of_different_seeds_differ_and_are_reproducible():
    full = full_labels()
    assert np.array_equal(keep_some_positives(full, 2), keep_some_positives(full, 2))
    assert not np.array_equal(keep_some_positives(full, 2), keep_some_positives(full, 2, seed=1))


@pytest.mark.parametrize(
    ("rows", "sizes", "smallest"),
    [
        (5717, (4574, 1143), [5, 6, 11, 15, 22]),
        (82081, (65665, 16416), [3, 4, 34, 37, 48]),
        (150000, (120000, 30000), None),
        (5994, (4795, 1199), None),
    ],
    ids=["voc2012", "coco", "nuswide", "cub"],
)
def test_resplit_sizes_and_smallest_validation_rows(rows, sizes, smallest):
    train, validation = split_train_validation(rows)
    assert (len(train), len(validation)) == sizes
    if smallest:
        assert validation[:5].tolist() == smallest
    assert np.array_equal(np.sort(np.concatenate([train, validation])), np.arange(rows))
    assert (np.diff(train) > 0).all()
    assert (np.diff(validation) > 0).all()


def test_resplit_extremes():
    assert [len(part) for part in split_train_validation(10, share=0.0)] == [10, 0]
    assert [len(part) for part in split_train_validation(10, share=1.0)] == [0, 10]
    assert [len(part) for part in split_train_validation(0)] == [0, 0]


def test_bad_arguments(no_shape_checks):
    with pytest.raises(ValueError, match="`protocol` must be one of 'spml', 'splc', got 'role'"):
        keep_single_positive(full_labels(), protocol="role")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="got 3 at row 0, class 0"):
        keep_single_positive(np.array([[3, 1]]))
    with pytest.raises(ValueError, match="`divisor` must be at least 1, got 0"):
        keep_some_positives(full_labels(), 0)
    with pytest.raises(ValueError, match=r"`share` must be in \[0, 1\], got 20"):
        split_train_validation(10, share=20)
