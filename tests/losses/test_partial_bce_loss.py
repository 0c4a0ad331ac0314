import pytest
import torch

from tests.losses.every_loss import build, gradient
from trmml.losses import KnownBCELoss, PartialBCELoss

LOGITS = torch.tensor([[2.0, -1.0, 0.5, 0.3], [0.0, 3.0, -2.0, 1.0]])


def test_with_all_labels_known_it_is_cross_entropy() -> None:
    labels = torch.tensor([[1, -1, -1, 1], [-1, -1, 1, 1]])
    torch.testing.assert_close(PartialBCELoss()(LOGITS, labels), KnownBCELoss()(LOGITS, labels))


def test_a_tenth_of_the_labels_counts_five_times() -> None:
    logits, labels = torch.randn(2, 10), torch.zeros(2, 10)
    labels[:, 3] = 1
    expected = 5.005 * KnownBCELoss()(logits, labels)
    torch.testing.assert_close(PartialBCELoss()(logits, labels), expected)


def test_an_inverse_share_gives_the_mean_over_the_known_labels_of_each_image() -> None:
    labels = torch.tensor([[1, -1, 0, 0], [-1, 0, 0, 0]])
    each = KnownBCELoss(reduction="none")(LOGITS, labels)
    expected = (each[0].sum() / 2 + each[1].sum()) / 2
    loss = PartialBCELoss(alpha=1.0, beta=0.0, gamma=-1.0, reduction="mean")
    torch.testing.assert_close(loss(LOGITS, labels), expected)


def test_an_inverse_share_is_finite_where_nothing_is_known() -> None:
    loss = PartialBCELoss(alpha=1.0, beta=0.0, gamma=-1.0)
    assert loss(LOGITS, torch.zeros(2, 4)) == 0
    assert torch.equal(gradient(loss, LOGITS, torch.zeros(2, 4)), torch.zeros(2, 4))


@pytest.mark.parametrize("name", ["alpha", "beta", "gamma"])
def test_a_number_that_is_not_finite_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be finite, got inf"):
        build("partial-bce", **{name: float("inf")})
