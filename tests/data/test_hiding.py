import tracemalloc

import numpy as np
import pytest
import torch

from tests._references import partial_labels as reference
from trmml.data import hide_labels, keep_per_class, known_entries

VOC_KNOWN = [10108, 20200, 30163, 40067, 50163, 60284, 70128, 80132, 90174]
VOC_POSITIVE = [740, 1461, 2187, 2923, 3674, 4429, 5158, 5871, 6558]
VOC_NEGATIVE = [9368, 18739, 27976, 37144, 46489, 55855, 64970, 74261, 83616]


def full_labels(rows=200, classes=7, share=0.3, seed=0):
    return np.where(np.random.RandomState(seed).rand(rows, classes) < share, 1, -1)


@pytest.mark.parametrize("tenths", range(1, 10))
def test_voc_2007_known_counts_are_those_of_the_published_files(tenths):
    known = hide_labels(-np.ones((5011, 20), dtype=np.int8), tenths / 10)
    assert int((known != 0).sum()) == VOC_KNOWN[tenths - 1]
    assert VOC_POSITIVE[tenths - 1] + VOC_NEGATIVE[tenths - 1] == VOC_KNOWN[tenths - 1]


def test_voc_2007_first_row_at_one_tenth():
    assert np.flatnonzero(known_entries(5011, 20, 0.1)[0]).tolist() == [14, 15, 16]


def test_coco_2014_first_row_and_shares():
    mask = known_entries(82783, 80, 0.1)
    assert np.flatnonzero(mask[0]).tolist() == [14, 15, 16, 34, 43, 67, 69, 75]
    assert round(float(mask.mean()), 7) == 0.0999890
    assert round(float(known_entries(82783, 80, 0.5).mean()), 7) == 0.4998254


def test_hcp_equals_the_loops():
    full = full_labels(30)
    for keep, seed in [(0.1, 0), (0.45, 0), (0.9, 1)]:
        expected = reference.hcp(full.tolist(), keep, seed)
        assert hide_labels(full, keep, seed=seed).tolist() == expected


def test_seed_one_is_another_mask():
    assert not np.array_equal(known_entries(50, 20, 0.3), known_entries(50, 20, 0.3, seed=1))


def test_entry_draws_do_not_depend_on_rows_after_them():
    assert np.array_equal(known_entries(100, 20, 0.3), known_entries(5011, 20, 0.3)[:100])


@pytest.mark.parametrize("protocol", ["hcp", "dualcoop", "rps", "exact", "stratified"])
def test_masks_are_nested_and_reproducible(protocol):
    full = full_labels()
    before = np.zeros_like(full)
    for keep in np.arange(0, 11) / 10:
        hidden = hide_labels(full, float(keep), protocol=protocol)
        assert np.array_equal(hidden, hide_labels(full, float(keep), protocol=protocol))
        assert np.array_equal(hidden[hidden != 0], full[hidden != 0])
        assert np.array_equal(hidden[before != 0], before[before != 0])
        before = hidden
    assert np.array_equal(before, full)


@pytest.mark.parametrize("protocol", ["hcp", "dualcoop", "rps", "exact", "stratified"])
def test_share_is_about_what_was_asked(protocol):
    hidden = hide_labels(full_labels(2000, 20), 0.2, protocol=protocol)
    assert (hidden != 0).mean() == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.333, 0.5, 1.0])
def test_exact_keeps_the_rounded_count(keep):
    full = full_labels(101, 7)
    hidden = hide_labels(full, keep, protocol="exact")
    assert (hidden != 0).sum() == int(keep * full.size + 0.5)


@pytest.mark.parametrize("buckets", [1, 4, 2**16])
@pytest.mark.parametrize("at_once", [1, 50, 2**20])
@pytest.mark.parametrize("keep", [0.0, 0.004, 0.1, 0.5, 0.99, 1.0])
def test_exact_keeps_what_sorting_all_draws_keeps(monkeypatch, buckets, at_once, keep):
    monkeypatch.setattr("trmml.data.hiding.BUCKETS", buckets)
    monkeypatch.setattr("trmml.data.hiding.DRAWN_AT_ONCE", at_once)
    full = full_labels(60, 4)
    full[::5] = 0
    assert hide_labels(full, keep, protocol="exact", seed=3).tolist() == reference.exact(
        full.tolist(), keep, 3
    )


@pytest.mark.parametrize("protocol", ["hcp", "rps"])
def test_drawing_in_blocks_draws_the_same(monkeypatch, protocol):
    expected = known_entries(50, 7, 0.3, protocol=protocol)
    monkeypatch.setattr("trmml.data.hiding.DRAWN_AT_ONCE", 11)
    assert np.array_equal(known_entries(50, 7, 0.3, protocol=protocol), expected)


def test_exact_takes_less_memory_than_all_draws_would(monkeypatch):
    monkeypatch.setattr("trmml.data.hiding.DRAWN_AT_ONCE", 2**14)
    full = -np.ones((12_500, 80), dtype=np.int8)
    tracemalloc.start()
    hide_labels(full, 0.1, protocol="exact")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < np.dtype(float).itemsize * full.size


def test_stratified_keeps_the_share_of_every_class_and_sign():
    full = full_labels(1000, 6, share=0.08)
    hidden = hide_labels(full, 0.1, protocol="stratified")
    for column in range(6):
        for sign in (1, -1):
            total = (full[:, column] == sign).sum()
            assert (hidden[:, column] == sign).sum() == int(0.1 * total + 0.5)


def test_stratified_keeps_at_least_one_of_each():
    full = -np.ones((40, 3), dtype=int)
    full[5, 0] = full[[7, 8], 1] = 1
    hidden = hide_labels(full, 0.05, protocol="stratified")
    assert (hidden == 1).sum(0).tolist() == [1, 1, 0]


def test_rps_hides_what_is_drawn_below_the_removed_share():
    draws = np.random.RandomState(3).random_sample((50, 4))
    expected = np.where(draws < 0.7, 0, -1)
    hidden = hide_labels(-np.ones((50, 4), dtype=int), 0.3, protocol="rps", seed=3)
    assert np.array_equal(hidden, expected)


def test_dualcoop_draws_from_torch():
    draws = torch.rand(50, 4, generator=torch.Generator().manual_seed(3))
    hidden = hide_labels(-torch.ones(50, 4), 0.3, protocol="dualcoop", seed=3)
    assert torch.equal(hidden != 0, draws < 0.3)


def test_fpc_keeps_a_count_of_each_class_and_sign():
    full = full_labels(300, 5, share=0.1)
    full[:, 4] = -1
    full[:2, 4] = 1
    hidden = keep_per_class(full, 10)
    assert (hidden == 1).sum(0).tolist() == [10, 10, 10, 10, 2]
    assert (hidden == -1).sum(0).tolist() == [10] * 5
    assert np.array_equal(hidden[hidden != 0], full[hidden != 0])
    assert (keep_per_class(full, 0) == 0).all()


@pytest.mark.parametrize("hide", [hide_labels, lambda labels: keep_per_class(labels, 3)])
def test_kind_and_dtype_are_kept_and_the_input_is_left_alone(hide):
    full = full_labels(60, 4)
    expected = hide(full)
    for dtype in (np.int8, np.int64, np.float32, np.float64):
        given = full.astype(dtype)
        hidden = hide(given)
        assert isinstance(hidden, np.ndarray)
        assert hidden.dtype == dtype
        assert np.array_equal(hidden, expected)
        assert np.array_equal(given, full)
    for dtype in (torch.int8, torch.int64, torch.float32, torch.bfloat16):
        given = torch.from_numpy(full).to(dtype)
        hidden = hide(given)
        assert isinstance(hidden, torch.Tensor)
        assert hidden.dtype == dtype
        assert np.array_equal(hidden.double().numpy(), expected)


def test_entries_unknown_before_stay_unknown():
    full = full_labels()
    full[::3] = 0
    for protocol in ("hcp", "dualcoop", "rps", "exact", "stratified"):
        assert (hide_labels(full, 0.9, protocol=protocol)[::3] == 0).all()
    known = (full != 0).sum()
    assert (hide_labels(full, 0.5, protocol="exact") != 0).sum() == int(0.5 * known + 0.5)


def test_global_generators_are_left_alone():
    np.random.seed(5)
    torch.manual_seed(5)
    expected = np.random.rand(), torch.rand(1).item()
    np.random.seed(5)
    torch.manual_seed(5)
    for protocol in ("hcp", "dualcoop"):
        hide_labels(full_labels(), 0.5, protocol=protocol)
    assert (np.random.rand(), torch.rand(1).item()) == expected


@pytest.mark.parametrize("keep", [-0.1, 1.1, 10, float("nan")])
def test_a_percentage_is_refused(keep):
    with pytest.raises(ValueError, match=r"`keep` must be a share in \[0, 1\].*10 percent is 0.1"):
        hide_labels(full_labels(), keep)
    with pytest.raises(ValueError, match="`keep` must be a share"):
        known_entries(3, 3, keep)


def test_other_codings_are_refused(no_shape_checks):
    with pytest.raises(ValueError, match=r"got only 0 and 1.*to_signed\(labels, coding="):
        hide_labels(np.eye(3))
    with pytest.raises(ValueError, match="got 2 at row 1, class 0; convert"):
        hide_labels(np.array([[1, -1], [2, -1]]))
    with pytest.raises(ValueError, match=r"must have two axes, rows and classes, got shape \(3,\)"):
        hide_labels(np.ones(3))
    with pytest.raises(ValueError, match=r"got nan at row 0, class 1"):
        hide_labels(torch.tensor([[1.0, float("nan")]]))
    with pytest.raises(
        ValueError, match="`protocol` must be one of 'hcp', 'dualcoop', 'rps', 'exact'"
    ):
        hide_labels(full_labels(), protocol="tai")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`protocol` must be one of 'hcp', 'dualcoop', 'rps', got"):
        known_entries(3, 3, 0.1, protocol="exact")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`count` must be at least 0, got -1"):
        keep_per_class(full_labels(), -1)


def test_no_rows():
    assert hide_labels(np.zeros((0, 5), dtype=int)).shape == (0, 5)
