import pytest
import torch

from tests.losses.every_loss import gradient
from trmml.losses import PairwiseHingeLoss


def test_pairs_that_are_far_enough_apart_cost_nothing() -> None:
    logits, labels = torch.tensor([[2.0, 1.0, 0.5]]), torch.tensor([[1, -1, -1]])
    assert PairwiseHingeLoss()(logits, labels) == 0
    assert PairwiseHingeLoss(hinge=2.0)(logits, labels) == 1.5


def test_a_constant_added_to_an_image_changes_nothing() -> None:
    logits, labels = torch.randn(3, 5, dtype=torch.float64), torch.tensor([[1, -1, 0, 1, -1]] * 3)
    moved = logits + torch.tensor([[5.0], [-3.0], [0.5]])
    torch.testing.assert_close(
        PairwiseHingeLoss()(moved, labels), PairwiseHingeLoss()(logits, labels)
    )


def test_unknown_labels_form_pairs_when_asked_to() -> None:
    logits, labels = torch.randn(3, 5), torch.tensor([[1, -1, 0, 1, 0]] * 3)
    found = PairwiseHingeLoss(unknown_as_negative=True)(logits, labels)
    expected = PairwiseHingeLoss()(logits, labels.masked_fill(labels == 0, -1))
    assert torch.equal(found, expected)


def test_an_image_without_a_pair_may_hold_anything() -> None:
    logits = torch.tensor([[torch.nan, torch.inf], [0.0, 0.5]])
    labels = torch.tensor([[1, 1], [1, -1]])
    assert PairwiseHingeLoss()(logits, labels) == 0.75
    assert gradient(PairwiseHingeLoss(), logits, labels).tolist() == [[0, 0], [-0.5, 0.5]]


@pytest.mark.parametrize("hinge", [0.0, -1.0, float("inf")])
def test_a_hinge_that_holds_nothing_apart_is_refused(hinge: float) -> None:
    with pytest.raises(ValueError, match="`hinge` must be finite and above 0, got"):
        PairwiseHingeLoss(hinge=hinge)
