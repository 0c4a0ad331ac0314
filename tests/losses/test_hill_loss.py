import pytest
import torch

from tests.losses.every_loss import gradient
from trmml.losses import HillLoss


def test_the_slope_ends_where_a_negative_looks_positive() -> None:
    logits = torch.tensor([[-6.0, 0.0, 6.0]])
    low, middle, high = gradient(HillLoss(), logits, torch.zeros(1, 3))[0]
    assert 0 < high < 0.01 * middle
    assert 0 < low < 0.01 * middle


def test_known_negatives_are_as_any_other() -> None:
    logits = torch.randn(2, 5)
    unlisted, negative = torch.zeros(2, 5), torch.full((2, 5), -1)
    assert torch.equal(HillLoss()(logits, unlisted), HillLoss()(logits, negative))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"logit_margin": float("inf")}, "`logit_margin` must be finite, got inf"),
        ({"gamma": -1.0}, "`gamma` must be finite and at least 0, got -1.0"),
        ({"lam": 0.9}, "`lam` must be finite and at least 1, got 0.9"),
    ],
)
def test_mistakes_are_refused_at_construction(setting: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HillLoss(**setting)
