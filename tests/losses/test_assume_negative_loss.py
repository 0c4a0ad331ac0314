import pytest
import torch

from tests._references.assume_negative_loss import assume_negative
from tests.losses.every_loss import build, logits_and_labels
from trmml.losses import AssumeNegativeLoss, KnownBCELoss


def test_it_is_cross_entropy_with_unknown_labels_as_negative() -> None:
    logits, labels = logits_and_labels()
    filled = labels.masked_fill(labels == 0, -1)
    found = AssumeNegativeLoss(reduction="mean")(logits, labels)
    torch.testing.assert_close(found, KnownBCELoss(reduction="mean")(logits, filled))


@pytest.mark.parametrize("weight", ["none", "weak"])
@pytest.mark.parametrize("smoothed", ["all", "unknown"])
def test_weight_and_smoothing_equal_their_loops(weight: str, smoothed: str) -> None:
    logits, labels = logits_and_labels()
    loss = build(
        "assume-negative", weight=weight, smoothing=0.1, smoothed=smoothed, reduction="sum"
    )
    expected = assume_negative(
        logits.tolist(),
        labels.tolist(),
        weak=weight == "weak",
        epsilon=0.1,
        epsilon_known=0.1 if smoothed == "all" else 0.0,
    )
    torch.testing.assert_close(loss(logits, labels).item(), expected)


def test_weak_negatives_of_an_image_weigh_as_much_as_its_one_positive() -> None:
    labels = torch.tensor([[1, 0, 0, 0, 0]])
    each = AssumeNegativeLoss(weight="weak", reduction="none")(torch.zeros(1, 5), labels)
    torch.testing.assert_close(each[0, 1:].sum(), each[0, 0])


def test_a_single_class_has_no_others_to_share_a_weight_with() -> None:
    assert AssumeNegativeLoss(weight="weak")(torch.zeros(1, 1), torch.zeros(1, 1)).isfinite()


@pytest.mark.parametrize("smoothed", ["all", "unknown"])
def test_smoothing_stays_finite_at_extreme_logits(smoothed: str) -> None:
    logits = torch.tensor([[-1e4, 1e4, -1e4, 1e4]], requires_grad=True)
    loss = build("assume-negative", smoothing=0.1, smoothed=smoothed)
    value = loss(logits, torch.tensor([[1, 1, 0, 0]]))
    value.backward()
    assert value.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"weight": "week"}, "`weight` must be one of 'none', 'weak', got 'week'"),
        ({"smoothed": "both"}, "`smoothed` must be one of 'all', 'unknown', got 'both'"),
        ({"smoothing": 0.5}, r"`smoothing` must be in \[0, 0.5\), got 0.5"),
        ({"smoothing": -0.1}, r"`smoothing` must be in \[0, 0.5\), got -0.1"),
    ],
)
def test_mistakes_are_refused_at_construction(setting: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AssumeNegativeLoss(**setting)
