import math

import pytest
import torch
from torch import Tensor

from tests._references.role_loss import role
from tests.losses.every_loss import logits_and_labels
from trmml.losses import ExpectedPositiveLoss, ROLELoss
from trmml.losses.role_loss import role_loss

ROWS = torch.tensor([4, 0, 2])


def table(loss: ROLELoss) -> Tensor:
    return loss.estimates.detach()


@pytest.mark.parametrize("weight", [0.0, 1.0, 2.5])
def test_it_equals_its_loops_for_any_estimates(weight: float) -> None:
    logits, labels = logits_and_labels()
    loss = ROLELoss(
        6, 5, expected_positives=1.7, regularizer_weight=weight, reduction="mean"
    ).double()
    with torch.no_grad():
        loss.estimates.copy_(2 * torch.randn(6, 5))
    theta = table(loss)[ROWS].tolist()
    expected = role(logits.tolist(), theta, labels.tolist(), k=1.7, weight=weight)
    torch.testing.assert_close(loss(logits, labels, rows=ROWS).item(), expected)


def test_each_side_learns_from_its_own_half_alone() -> None:
    logits, labels = logits_and_labels()
    theta = torch.randn(3, 5, dtype=torch.float64)
    scores, estimates = logits.clone().requires_grad_(), theta.clone().requires_grad_()
    role_loss(scores, estimates, labels, 1.7).backward()
    for side, leaf, other in ((scores, logits, theta), (estimates, theta, logits)):

        def own_half(x: Tensor, other: Tensor = other) -> Tensor:
            held = ExpectedPositiveLoss(1.7)(x, labels)
            q = other.sigmoid()
            agreed = -(q * x.sigmoid().log() + (1 - q) * (-x).sigmoid().log())
            return (held + agreed.sum() / 3) / 2

        leaf = leaf.clone().requires_grad_()
        assert torch.autograd.gradcheck(own_half, leaf)
        (expected,) = torch.autograd.grad(own_half(leaf), leaf)
        torch.testing.assert_close(side.grad, expected)


def test_the_start_is_in_doubt_but_for_known_labels_and_the_same_each_time() -> None:
    labels = torch.zeros(200, 3)
    labels[0], labels[1] = 1, -1
    loss, other = (ROLELoss(expected_positives=1.0) for _ in range(2))
    for one in (loss, other):
        one.begin_training(labels)
    start = table(loss).sigmoid()
    assert torch.equal(table(loss), table(other))
    torch.testing.assert_close(start[:2], torch.tensor([[0.995] * 3, [0.005] * 3]))
    assert 0.4 <= start[2:].min() < 0.42
    assert 0.58 < start[2:].max() <= 0.6
    different = ROLELoss(200, 3, expected_positives=1.0, seed=1)
    assert not torch.equal(table(different)[2:], table(loss)[2:])
    same = ROLELoss(200, 3, expected_positives=1.0)
    assert torch.equal(table(same)[2:], table(loss)[2:])


def test_an_optimiser_that_knows_the_estimates_keeps_them() -> None:
    loss = ROLELoss(4, 3, expected_positives=1.0)
    before = loss.estimates
    loss.begin_training(torch.ones(4, 3))
    assert loss.estimates is before
    torch.testing.assert_close(table(loss), torch.full((4, 3), math.log(0.995 / 0.005)))


def test_only_the_images_of_a_step_have_a_gradient_twice_if_they_come_twice() -> None:
    logits, labels = logits_and_labels()
    loss = ROLELoss(6, 5, expected_positives=1.0, regularizer_weight=0.0, reduction="sum")
    twice = torch.tensor([3, 3, 1])
    loss(logits[[0, 0, 1]], labels[[0, 0, 1]], rows=twice).backward()
    slope = loss.estimates.grad
    assert slope is not None
    assert slope.ne(0).any(dim=1).tolist() == [False, True, False, True, False, False]
    once = ROLELoss(6, 5, expected_positives=1.0, regularizer_weight=0.0, reduction="sum")
    once(logits[:1], labels[:1], rows=torch.tensor([3])).backward()
    assert once.estimates.grad is not None
    torch.testing.assert_close(slope[3], 2 * once.estimates.grad[3])


def test_alone_the_estimates_come_to_the_known_labels_and_the_right_number() -> None:
    labels = torch.zeros(64, 8)
    labels[:, 0], labels[:, 1] = 1, -1
    loss = ROLELoss(expected_positives=3.0, reduction="mean")
    loss.begin_training(labels)
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.05)
    logits = loss.estimates.detach().clone()
    for _ in range(200):
        optimizer.zero_grad()
        loss(logits, labels, rows=torch.arange(64)).backward()
        optimizer.step()
    q = table(loss).sigmoid()
    assert q[:, 0].min() > 0.95
    assert q[:, 1].max() < 0.05
    start, end = (abs(one.sum() / 64 - 3.0) for one in (logits.sigmoid(), q))
    assert end < start


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"expected_positives": 0.0}, "`expected_positives` must be finite and above 0, got 0.0"),
        (
            {"expected_positives": 1.0, "regularizer_weight": -1.0},
            "`regularizer_weight` must be finite and at least 0, got -1.0",
        ),
        ({"expected_positives": 1.0, "num_images": -1}, "`num_images` must be at least 0, got -1"),
    ],
)
def test_mistakes_are_refused_at_construction(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ROLELoss(**settings)


def test_rows_and_classes_that_do_not_fit_are_refused() -> None:
    logits, labels = logits_and_labels()
    loss = ROLELoss(6, 5, expected_positives=1.0)
    with pytest.raises(ValueError, match="`rows` must say which of all training images"):
        loss(logits, labels)
    with pytest.raises(ValueError, match=r"`rows` must be of the 6 images .* got \[6, 0, 1\]"):
        loss(logits, labels, rows=torch.tensor([6, 0, 1]))
    with pytest.raises(ValueError, match="`expected_positives` must be at most the number of cl"):
        ROLELoss(6, 5, expected_positives=6.0)(logits, labels, rows=ROWS)


@pytest.mark.usefixtures("no_shape_checks")
def test_images_of_other_classes_than_the_table_are_refused() -> None:
    logits, labels = logits_and_labels()
    loss = ROLELoss(6, 4, expected_positives=1.0)
    with pytest.raises(ValueError, match=r"`estimates` must be as long along `classes`"):
        loss(logits, labels, rows=ROWS)
