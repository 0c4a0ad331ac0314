import pytest
import torch

from tests.losses.every_loss import gradient, logits_and_labels
from trmml.losses import ExpectedPositiveLoss, KnownBCELoss


def test_its_mean_is_the_papers_value() -> None:
    logits, labels = logits_and_labels()
    expected = logits.sigmoid().sum() / 3
    paper = KnownBCELoss(reduction="sum")(logits, labels) / 15 + ((expected - 1.5) / 5) ** 2
    loss = ExpectedPositiveLoss(1.5, reduction="mean")
    torch.testing.assert_close(loss(logits, labels), paper)


@pytest.mark.parametrize(("expected", "sign"), [(0.5, 1), (3.5, -1)])
def test_it_draws_the_expected_count_to_what_is_expected(expected: float, sign: int) -> None:
    labels = torch.zeros(2, 4)  # at 0 each image expects two
    slope = gradient(ExpectedPositiveLoss(expected), torch.zeros(2, 4), labels)
    assert torch.equal(slope.sign(), torch.full((2, 4), float(sign)))


def test_the_count_is_that_of_the_batch_not_of_each_image() -> None:
    logits = torch.tensor([[40.0, 40.0], [-40.0, -40.0]])
    assert ExpectedPositiveLoss(1.0)(logits, torch.zeros(2, 2)) == 0


def test_without_weight_it_is_cross_entropy() -> None:
    logits, labels = logits_and_labels()
    loss = ExpectedPositiveLoss(1.0, regularizer_weight=0.0)
    torch.testing.assert_close(loss(logits, labels), KnownBCELoss()(logits, labels))


def test_more_positives_than_classes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at most the number of classes \(2\), got 2.9"):
        ExpectedPositiveLoss(2.9)(torch.zeros(1, 2), torch.zeros(1, 2))


@pytest.mark.parametrize("number", [0.0, -1.0, float("inf"), float("nan")])
def test_a_number_that_is_none_of_positives_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="`expected_positives` must be finite and above 0, got"):
        ExpectedPositiveLoss(number)


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="`regularizer_weight` must be finite and at least 0"):
        ExpectedPositiveLoss(1.0, regularizer_weight=-1.0)
