"""What every loss of the table promises of unknown labels: to leave them out, or to use them."""

import pytest
import torch

from tests.functional.finiteness import DTYPES, EXTREMES
from tests.losses.every_loss import (
    IGNORES_UNKNOWN,
    REDUCTIONS,
    USES_UNKNOWN,
    build,
    few_known,
    gradient,
    logits_and_labels,
)

ignoring = pytest.mark.parametrize("name", IGNORES_UNKNOWN)
using = pytest.mark.parametrize("name", USES_UNKNOWN)


def test_there_are_losses_of_both_kinds() -> None:
    assert {"asymmetric", "bce", "partial-bce"} <= {*IGNORES_UNKNOWN}
    assert {"assume-negative", "hill", "splc"} <= {*USES_UNKNOWN}


@ignoring
@pytest.mark.parametrize("poison", [torch.nan, torch.inf, -torch.inf, 1e4])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_they_have_no_value_and_no_gradient(name: str, reduction: str, poison: float) -> None:
    logits, labels = logits_and_labels()
    loss = build(name, reduction=reduction)
    poisoned = torch.where(labels == 0, poison, logits)
    torch.testing.assert_close(loss(poisoned, labels), loss(logits, labels), rtol=0, atol=0)
    slope = gradient(loss, poisoned, labels)
    assert slope[labels == 0].eq(0).all()
    torch.testing.assert_close(slope, gradient(loss, logits, labels), rtol=0, atol=0)


@ignoring
@pytest.mark.parametrize("reduction", ["batch_mean", "mean", "sum"])
def test_without_a_known_label_it_is_zero_with_zero_gradient(name: str, reduction: str) -> None:
    logits, labels = torch.randn(3, 4), torch.zeros(3, 4)
    loss = build(name, reduction=reduction)
    assert loss(logits, labels) == 0
    assert gradient(loss, logits, labels).eq(0).all()


@ignoring
def test_each_has_a_loss_of_zero(name: str) -> None:
    logits, labels = logits_and_labels()
    assert build(name, reduction="none")(logits, labels)[labels == 0].eq(0).all()


@using
def test_they_have_a_gradient(name: str) -> None:
    logits, labels = few_known()
    slope = gradient(build(name), logits, labels)
    assert slope[labels == 0].ne(0).any()
    without = gradient(build(name), logits, torch.zeros_like(labels))
    assert without.isfinite().all()
    assert without.ne(0).any()


@using
@pytest.mark.parametrize("dtype", DTYPES)
def test_extreme_logits_of_them_stay_finite(name: str, dtype: torch.dtype) -> None:
    logits = torch.tensor([EXTREMES], dtype=dtype).repeat(1, 3)
    labels = torch.zeros_like(logits)
    assert build(name)(logits, labels).isfinite()
    assert gradient(build(name), logits, labels).isfinite().all()


@using
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nan_among_them_is_never_hidden(name: str, reduction: str) -> None:
    logits, labels = few_known()
    logits[1, 7] = torch.nan
    assert build(name, reduction=reduction)(logits, labels).isnan().any()


def test_a_setting_that_changes_what_they_are_shows() -> None:
    for mode in ("negative", "ignore", "normalised", "selective"):
        loss = build("partial-asymmetric", mode=mode)
        logits, labels = few_known()
        slope = gradient(loss, logits, labels)
        assert bool(slope[labels == 0].ne(0).any()) == loss.uses_unknown
    ranking = build("pairwise-hinge", unknown_as_negative=True)
    assert ranking.uses_unknown
    assert gradient(ranking, *few_known())[:, 2:].ne(0).any()
