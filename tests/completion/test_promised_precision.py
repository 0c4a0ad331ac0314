"""A ranking is cut where the promise holds, by expectation and by what was withheld."""

from math import inf

import pytest
import torch

from tests._references.promised_precision import lower_bound, threshold
from trmml.completion import precision_lower_bound, score_table, threshold_for_precision


@pytest.mark.parametrize("precision", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("deviations", [0.0, 1.28])
def test_the_cut_is_that_of_the_loops(precision: float, deviations: float) -> None:
    scores = torch.randn(300).double() * 4
    held = torch.randn(200).double() * 4
    right = torch.rand(200) < torch.sigmoid(held)
    table = score_table(scores, torch.sigmoid(scores), held, right)
    found = threshold_for_precision(table, precision=precision, deviations=deviations)
    expected = threshold(
        scores.tolist(),
        torch.sigmoid(scores).tolist(),
        held.tolist(),
        right.tolist(),
        precision,
        deviations,
        table.edges[table.candidates > 0].tolist(),
    )
    assert found == expected
    assert found < inf or precision > 0.9


def test_every_label_is_counted_once_in_the_cell_it_belongs_to() -> None:
    scores = torch.tensor([100.0, 15.0, 1.0, 0.999, -3.0, -100.0], dtype=torch.float64)
    table = score_table(scores, torch.ones(6), scores[:0], scores[:0].bool())
    assert table.candidates.sum() == 6
    for score in scores.tolist():
        cell = int((table.edges <= score).nonzero()[0])
        assert table.candidates[cell] > 0


@pytest.mark.parametrize(("right", "checked"), [(0, 0), (0, 5), (3, 5), (5, 5), (90, 100)])
def test_the_lower_bound_is_that_of_the_loops(right: int, checked: int) -> None:
    found = precision_lower_bound(
        torch.tensor(float(right)), torch.tensor(float(checked)), deviations=1.5
    )
    assert float(found) == pytest.approx(lower_bound(right, checked, 1.5), abs=1e-6)


@pytest.mark.parametrize(("withheld", "holds"), [(9, False), (10, True)])
def test_a_few_withheld_labels_that_all_lie_well_promise_nothing(
    withheld: int, holds: bool
) -> None:
    scores = torch.full((50,), 4.0).double()
    right = torch.ones(withheld, dtype=torch.bool)
    table = score_table(scores, torch.sigmoid(scores), scores[:withheld], right)
    found = threshold_for_precision(table, precision=0.5, deviations=0.1)
    assert (found < inf) is holds


def test_probabilities_that_withheld_labels_do_not_confirm_add_nothing() -> None:
    scores = torch.full((50,), 4.0).double()
    for share, holds in ((1.0, True), (0.5, False)):
        right = torch.arange(50) < 50 * share
        table = score_table(scores, torch.sigmoid(scores), scores, right)
        found = threshold_for_precision(table, precision=0.9, deviations=1.0)
        assert (found < inf) is holds
