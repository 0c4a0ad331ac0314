"""What is selected is that of the loops, and wrong as seldom as was asked for."""

import pytest
import torch

from tests._references.conformal_selection import p_values, selected
from trmml.completion import conformal_p_values, conformal_selection


@pytest.mark.parametrize(("cells", "known"), [(0, 5), (20, 0), (30, 40), (200, 19)])
def test_it_is_that_of_the_loops(cells: int, known: int) -> None:
    scores = torch.randint(0, 30, (cells,)).double()  # equal ones among them
    null = torch.randint(0, 20, (known,)).double()
    expected = p_values(scores.tolist(), null.tolist())
    torch.testing.assert_close(
        conformal_p_values(scores, null), torch.tensor(expected, dtype=torch.float64)
    )
    for rate in (0.05, 0.3):
        found = conformal_selection(scores, null, false_discovery_rate=rate)
        assert found.tolist() == selected(scores.tolist(), null.tolist(), rate)


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_the_share_of_wrong_ones_is_kept_on_average(rate: float) -> None:
    shares, found = [], 0
    for _ in range(100):
        truth = torch.rand(300) < 0.3
        scores = truth * 3 + torch.randn(300)
        chosen = conformal_selection(scores, torch.randn(200), false_discovery_rate=rate)
        shares.append(float((chosen & ~truth).sum()) / max(int(chosen.sum()), 1))
        found += int(chosen.sum())
    assert sum(shares) / len(shares) <= rate
    assert found > 2000


@pytest.mark.parametrize("rate", [0.0, 1.0, 5.0, float("nan")])
def test_an_impossible_rate_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="`false_discovery_rate` must be in \\(0, 1\\)"):
        conformal_selection(torch.ones(2), torch.ones(2), false_discovery_rate=rate)


@pytest.mark.parametrize("argument", ["scores", "null_scores"])
def test_scores_that_are_no_number_are_refused(argument: str) -> None:
    given = {"scores": torch.ones(2), "null_scores": torch.ones(2)}
    given[argument] = torch.tensor([1.0, torch.nan])
    with pytest.raises(ValueError, match=f"`{argument}` must be finite"):
        conformal_p_values(**given)
