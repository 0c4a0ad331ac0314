import pytest
import torch

from tests._references.splc_loss import splc
from tests.losses.every_loss import gradient, logits_and_labels
from trmml.losses import SPLCLoss


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_each_epoch_equals_its_loops(epoch: int) -> None:
    logits, labels = logits_and_labels()
    loss = SPLCLoss(threshold=0.3, logit_margin=0.5, gamma=1.5, reduction="sum")
    loss.begin_epoch(epoch)
    expected = splc(logits.tolist(), labels.tolist(), t=epoch, tau=0.3, gamma=1.5, m=0.5)
    torch.testing.assert_close(loss(logits, labels).item(), expected)


def test_a_sure_unknown_label_is_pulled_down_first_and_up_later() -> None:
    logits, labels = torch.tensor([[2.0, 0.0]]), torch.zeros(1, 2)
    loss = SPLCLoss()
    assert gradient(loss, logits, labels).sign().tolist() == [[1, 1]]
    loss.begin_epoch(1)
    assert gradient(loss, logits, labels).sign().tolist() == [[-1, 1]]


def test_a_known_negative_is_never_corrected() -> None:
    logits, labels = torch.tensor([[2.0]]), torch.tensor([[-1]])
    loss = SPLCLoss(first_epoch=0)
    assert gradient(loss, logits, labels) > 0
    assert gradient(loss, logits, torch.zeros(1, 1)) < 0


def test_the_state_keeps_the_epoch() -> None:
    logits, labels = torch.tensor([[2.0, 0.0]]), torch.zeros(1, 2)
    loss, other = SPLCLoss(), SPLCLoss()
    loss.begin_epoch(3)
    assert not torch.equal(loss(logits, labels), other(logits, labels))
    other.load_state_dict(loss.state_dict())
    assert torch.equal(loss(logits, labels), other(logits, labels))


@pytest.mark.usefixtures("no_shape_checks")
def test_a_compiled_loss_follows_the_epoch() -> None:
    logits, labels = logits_and_labels()
    loss = SPLCLoss(threshold=0.3)
    compiled = torch.compile(loss, fullgraph=True, backend="eager")
    before = compiled(logits, labels)
    loss.begin_epoch(1)
    torch.testing.assert_close(compiled(logits, labels), loss(logits, labels))
    assert not torch.equal(before, compiled(logits, labels))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"threshold": 1.0}, r"`threshold` must be in \(0, 1\), got 1.0"),
        ({"first_epoch": -1}, "`first_epoch` must be at least 0, got -1"),
        ({"logit_margin": float("nan")}, "`logit_margin` must be finite, got nan"),
        ({"gamma": -1.0}, "`gamma` must be finite and at least 0, got -1.0"),
    ],
)
def test_mistakes_are_refused_at_construction(setting: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SPLCLoss(**setting)
