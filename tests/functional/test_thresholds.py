from math import nan

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests._references import thresholds as reference
from trmml.functional import agreeing_estimates, complete_labels, estimate_labels, update_thresholds

values = st.sampled_from([nan, -1.0, -0.25, 0.0, 0.25, 0.5, 1.0])
guesses = st.sampled_from([-1, 0, 1])
few = settings(derandomize=True, max_examples=60, deadline=None, database=None)


def double(rows: list[float] | list[tuple[float, ...]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


@few
@given(pairs=st.lists(st.tuples(values, values), max_size=8), eta=st.floats(0, 1))
def test_updates_match_eq_11(pairs: list[tuple[float, float]], eta: float) -> None:
    expected = [reference.updated_threshold(theta, s, eta) for theta, s in pairs]
    old, observed = (double([pair[i] for pair in pairs]) for i in (0, 1))
    result = update_thresholds(old, observed, momentum=eta)
    torch.testing.assert_close(result, double(expected), equal_nan=True)


def test_updating_leaves_the_old_thresholds_alone() -> None:
    old = double([0.1, nan])
    update_thresholds(old, double([0.9, 0.9]), momentum=0.5)
    torch.testing.assert_close(old, double([0.1, nan]), equal_nan=True)


def test_any_shape_can_be_updated() -> None:
    old, observed = torch.full((2, 3, 4), nan), torch.rand(2, 3, 4)
    torch.testing.assert_close(update_thresholds(old, observed, momentum=0.9), observed)


def test_updates_converge_to_a_constant_observation() -> None:
    theta = double([nan, 5.0])
    for _ in range(200):
        theta = update_thresholds(theta, double([0.3, 0.3]), momentum=0.9)
    torch.testing.assert_close(theta, double([0.3, 0.3]))


@pytest.mark.parametrize("momentum", [-0.1, 1.1, nan])
def test_a_momentum_that_is_no_share_is_refused(momentum: float) -> None:
    message = rf"`momentum` must be in \[0, 1\], got {momentum}; it is the share of the past kept."
    with pytest.raises(ValueError, match=message):
        update_thresholds(torch.zeros(1), torch.zeros(1), momentum=momentum)


@few
@given(cases=st.lists(st.tuples(values, values, values), min_size=1, max_size=8))
def test_estimates_match_eq_10_as_meant(cases: list[tuple[float, float, float]]) -> None:
    s, upper, lower = double([*cases]).T[:, None]
    expected = [reference.estimate(*case) for case in cases]
    result = estimate_labels(s[:, None], upper, lower)
    assert result.dtype == torch.int8
    assert result[0, 0].tolist() == expected


def test_each_modality_and_category_has_its_own_thresholds() -> None:
    similarities = torch.randn(2, 6, 3)
    upper, lower = torch.randn(2, 2, 3).sort(dim=0, descending=True).values
    result = estimate_labels(similarities, upper, lower)
    for m in range(2):
        for c in range(3):
            alone = estimate_labels(
                similarities[m : m + 1, :, c : c + 1],
                upper[m : m + 1, c : c + 1],
                lower[m : m + 1, c : c + 1],
            )
            assert torch.equal(result[m, :, c], alone[0, :, 0])


def test_raising_a_similarity_never_lowers_an_estimate() -> None:
    similarities = torch.linspace(-1, 1, 41)[None, :, None].expand(1, 41, 20)
    upper, lower = torch.rand(2, 1, 20) * 2 - 1
    assert estimate_labels(similarities, upper, lower).diff(dim=1).ge(0).all()


def test_without_known_negatives_nothing_is_estimated() -> None:
    upper, lower = torch.zeros(2, 3), torch.full((2, 3), nan)
    assert estimate_labels(torch.randn(2, 5, 3), upper, lower).eq(0).all()


@few
@given(votes=st.lists(st.lists(guesses, min_size=3, max_size=3), min_size=1, max_size=8))
@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_agreement_matches_eq_12(modalities: int, votes: list[list[int]]) -> None:
    estimates = torch.tensor(votes, dtype=torch.int8).T[:modalities, None]
    expected = [reference.agreement(vote[:modalities]) for vote in votes]
    result = agreeing_estimates(estimates)
    assert result.dtype == torch.int8
    assert result[0].tolist() == expected


@few
@given(pairs=st.lists(st.tuples(guesses, guesses), min_size=1, max_size=8))
@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.float32, torch.bfloat16])
def test_only_unknown_labels_are_filled(dtype: torch.dtype, pairs: list[tuple[int, int]]) -> None:
    labels, estimates = torch.tensor(pairs).T[:, None]
    labels = labels.to(dtype)
    result = complete_labels(labels, estimates.to(torch.int8))
    assert result.dtype == dtype
    assert result[0].tolist() == [reference.completed(*pair) for pair in pairs]


def test_completing_leaves_the_labels_alone() -> None:
    labels = torch.zeros(2, 3)
    complete_labels(labels, torch.ones(2, 3, dtype=torch.int8))
    assert labels.eq(0).all()


def test_an_empty_batch() -> None:
    estimates = estimate_labels(torch.zeros(2, 0, 3), torch.zeros(2, 3), torch.zeros(2, 3))
    assert estimates.shape == (2, 0, 3)
    assert complete_labels(torch.zeros(0, 3), agreeing_estimates(estimates)).shape == (0, 3)


@pytest.mark.parametrize("stray", [2.0, -0.5, nan])
def test_any_other_label_is_filled_as_an_unknown_one(stray: float) -> None:
    labels = torch.tensor([[1.0, stray, stray, 0.0, -1.0]])
    estimates = torch.tensor([[-1, 1, -1, 1, 1]], dtype=torch.int8)
    assert complete_labels(labels, estimates).tolist() == [[1, 1, -1, 1, -1]]
