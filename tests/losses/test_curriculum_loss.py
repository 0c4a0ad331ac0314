import pytest
import torch
from torch import Tensor

from tests._references.curriculum_loss import add_labels
from tests._references.partial_bce_loss import loss_of_labels as partial_bce
from tests.losses.every_loss import gradient, logits_and_labels
from trmml.losses import CurriculumLoss, PartialBCELoss

EVERYONE = torch.arange(12)


def drawn() -> tuple[Tensor, Tensor]:
    labels = torch.randint(-1, 2, (12, 5))
    return 3 * torch.randn(12, 5, dtype=torch.float64), labels * (torch.rand(12, 5) < 0.3)


def loss_of(labels: Tensor, **settings: object) -> CurriculumLoss:
    loss = CurriculumLoss(**settings).double()  # pyright: ignore
    loss.begin_training(labels)
    return loss


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("threshold", [0.0, 2.0, 1e9])
def test_epoch_by_epoch_it_equals_its_loops(threshold: float, every: int) -> None:
    _, labels = drawn()
    loss = loss_of(labels, threshold=threshold, first_epoch=2, every=every)
    taught = labels.tolist()
    scores: Tensor | None = None
    for epoch in range(6):
        loss.begin_epoch(epoch)
        if scores is not None and epoch >= 2 and (epoch - 2) % every == 0:
            taught = add_labels(labels.tolist(), scores.tolist(), threshold)
        scores, _ = drawn()
        found = loss(scores, labels, rows=EVERYONE).item()
        torch.testing.assert_close(found, partial_bce(scores.tolist(), taught))
        for rows in torch.randperm(12).split(5):
            loss.end_step(scores[rows], labels[rows], rows)


def test_until_it_begins_it_is_the_partial_loss() -> None:
    logits, labels = drawn()
    loss = loss_of(labels, threshold=0.0, first_epoch=3)
    plain = PartialBCELoss()(logits, labels)
    for epoch in range(3):
        loss.begin_epoch(epoch)
        found = loss(logits, labels, rows=EVERYONE)
        torch.testing.assert_close(found, plain)
        loss.end_step(logits, labels, EVERYONE)
    loss.begin_epoch(3)
    assert not torch.equal(loss(logits, labels, rows=EVERYONE), plain)


def test_what_was_added_may_be_taken_back_and_a_known_label_never_changes() -> None:
    labels = torch.tensor([[0, -1, 0]])
    loss, row = loss_of(labels), torch.tensor([0])
    loss.end_step(torch.tensor([[5.0, 5.0, -5.0]]).double(), labels, row)
    loss.begin_epoch(1)
    assert loss.targets.nan_to_num(0).tolist() == [[1, 0, -1]]
    logits = torch.zeros(1, 3, dtype=torch.float64)
    slope = gradient(lambda x, y: loss(x, y, rows=row), logits, labels)
    assert slope.sign().tolist() == [[-1, 1, 1]]
    loss.end_step(torch.tensor([[1.0, 5.0, 5.0]]).double(), labels, row)
    loss.begin_epoch(2)
    assert loss.targets.nan_to_num(0).tolist() == [[0, 0, 1]]


def test_an_epoch_that_is_resumed_keeps_its_targets() -> None:
    logits, labels = drawn()
    loss, again = loss_of(labels), loss_of(labels)
    loss.end_step(logits, labels, EVERYONE)
    loss.begin_epoch(1)
    targets = loss.targets.clone()
    loss.end_step(-logits[:4], labels[:4], EVERYONE[:4])
    again.load_state_dict(loss.state_dict())
    again.begin_epoch(1)
    torch.testing.assert_close(again.targets, targets, equal_nan=True, rtol=0, atol=0)
    again.begin_epoch(2)
    assert not torch.equal(again.targets.nan_to_num(0), targets.nan_to_num(0))


def test_nan_is_shown_where_nothing_is_taught_yet() -> None:
    logits, labels = drawn()
    labels[3, 2], logits[3, 2] = 0, torch.nan
    loss = loss_of(labels)
    assert loss.targets[3, 2].isnan()
    assert loss(logits, labels, rows=EVERYONE).isnan()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": -1.0}, "`threshold` must be finite and at least 0, got -1.0; it is a sc"),
        ({"first_epoch": -1}, "`first_epoch` must be a whole number and at least 0, got -1"),
        ({"every": 0}, "`every` must be a whole number of epochs, at least 1, got 0"),
        ({"beta": float("inf")}, "`beta` must be finite, got inf"),
    ],
)
def test_mistakes_are_refused_at_construction(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CurriculumLoss(**settings)


def test_rows_are_needed() -> None:
    logits, labels = logits_and_labels()
    with pytest.raises(ValueError, match="`rows` must say which"):
        CurriculumLoss()(logits, labels)
