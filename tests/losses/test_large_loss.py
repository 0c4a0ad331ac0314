import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests._references.large_loss import count, losses
from tests.losses.every_loss import gradient, logits_and_labels
from trmml.losses import AssumeNegativeLoss, LargeLoss

MODES = ["reject", "correct", "correct_for_good"]
ROWS = torch.tensor([4, 0, 2])


def loss_at(epoch: int, **settings: object) -> LargeLoss:
    loss = LargeLoss(**settings)  # pyright: ignore
    loss.begin_training(torch.zeros(6, 5))
    loss.begin_epoch(epoch)
    return loss


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("epoch", [0, 1, 2, 50])
@pytest.mark.parametrize("rate", [0.0, 0.07, 0.2, 1.0])
def test_each_epoch_equals_its_loops(mode: str, epoch: int, rate: float) -> None:
    logits, labels = logits_and_labels()
    kept: set[tuple[int, int]] = set()
    loss = loss_at(epoch, mode=mode, rate=rate, reduction="none")
    for _ in range(3):
        expected, changed = losses(
            logits.tolist(), labels.tolist(), mode=mode, t=epoch, delta=rate, kept=kept
        )
        found = loss(logits, labels, rows=ROWS)
        torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))
        loss.end_step(logits, labels, ROWS)
        if mode == "correct_for_good":
            kept |= changed
            corrected = loss.corrected[ROWS].nonzero().tolist()
            assert {tuple(one) for one in corrected} == kept
            assert not loss.corrected[[1, 3, 5]].any()


@pytest.mark.parametrize("mode", MODES)
def test_in_the_first_epoch_unknown_labels_are_negative(mode: str) -> None:
    logits, labels = logits_and_labels()
    found = loss_at(0, mode=mode, rate=0.5)(logits, labels, rows=ROWS)
    torch.testing.assert_close(found, AssumeNegativeLoss()(logits, labels))


@pytest.mark.parametrize("mode", MODES)
def test_known_labels_are_never_changed_though_there_are_not_enough_others(mode: str) -> None:
    logits, labels = logits_and_labels()
    loss = loss_at(1, mode=mode, rate=1.0, reduction="none")
    found, plain = loss(logits, labels, rows=ROWS), AssumeNegativeLoss(reduction="none")
    known = labels != 0
    torch.testing.assert_close(found[known], plain(logits, labels)[known])
    # Losses that are 0 in floating point are no reason either.
    far = torch.where(known, logits, -2000.0)
    torch.testing.assert_close(loss(far, labels, rows=ROWS)[known], plain(logits, labels)[known])
    loss.end_step(far, labels, ROWS)
    assert not loss.corrected.numel() or not loss.corrected[ROWS][known].any()


@pytest.mark.parametrize("mode", MODES)
def test_equal_losses_at_the_border_are_changed_together(mode: str) -> None:
    logits, labels = torch.tensor([[1.0, 0.5, 0.5, -1.0]]), torch.zeros(1, 4)
    loss = LargeLoss(mode=mode, rate=0.5, reduction="none")  # pyright: ignore
    loss.begin_training(labels)
    loss.begin_epoch(1)
    found = loss(logits, labels, rows=torch.tensor([0]))[0]
    changed = 0 * found if mode == "reject" else F.softplus(-logits[0])
    torch.testing.assert_close(found[:3], changed[:3])
    torch.testing.assert_close(found[3], F.softplus(logits[0, 3]))


def test_a_rejected_label_has_no_gradient_and_a_corrected_one_is_pulled_up() -> None:
    logits, labels = torch.tensor([[2.0, 0.0]]), torch.zeros(1, 2)
    assert gradient(loss_at(1, rate=0.5), logits, labels).sign().tolist() == [[0, 1]]
    assert gradient(loss_at(1, mode="correct", rate=0.5), logits, labels).sign().tolist() == [
        [-1, 1]
    ]


def test_what_was_corrected_for_good_stays_so_in_another_batch() -> None:
    loss = loss_at(1, mode="correct_for_good", rate=0.1)
    logits, labels = logits_and_labels()
    loss.end_step(logits, labels, ROWS)
    (image, category), *_ = loss.corrected.nonzero().tolist()
    alone = torch.full((1, 5), -3.0), torch.zeros(1, 5)
    slope = gradient(lambda x, y: loss(x, y, rows=torch.tensor([image])), *alone)
    assert slope[0, category] < 0
    # A label that has become known since counts as what it is.
    known = torch.zeros(1, 5)
    known[0, category] = -1
    slope = gradient(lambda x, y: loss(x, y, rows=torch.tensor([image])), alone[0], known)
    assert slope[0, category] > 0


def test_calling_it_changes_nothing_and_the_state_keeps_what_steps_changed() -> None:
    logits, labels = logits_and_labels()
    loss = loss_at(1, mode="correct_for_good", rate=0.2)
    first = loss(logits, labels, rows=ROWS)
    assert torch.equal(loss(logits, labels, rows=ROWS), first)
    loss.end_step(logits, labels, ROWS)
    later = loss(logits, labels, rows=ROWS)
    assert not torch.equal(later, first)
    other = loss_at(0, mode="correct_for_good", rate=0.2)
    other.load_state_dict(loss.state_dict())
    assert torch.equal(other(logits, labels, rows=ROWS), later)


def test_an_image_may_come_twice_in_a_step() -> None:
    logits, labels = logits_and_labels()
    twice = torch.tensor([3, 3, 1])
    loss = loss_at(1, mode="correct_for_good", rate=0.4)
    loss.end_step(logits, labels, twice)
    assert loss.corrected[3].any()
    assert loss(logits, labels, rows=twice).isfinite()


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize("mode", MODES)
def test_a_compiled_loss_follows_epoch_and_memory(mode: str) -> None:
    logits, labels = logits_and_labels()
    loss = loss_at(0, mode=mode, rate=0.2)
    compiled = torch.compile(loss, fullgraph=True, backend="eager")
    seen: list[Tensor] = []
    for epoch in range(3):
        loss.begin_epoch(epoch)
        seen.append(compiled(logits, labels, rows=ROWS))
        torch.testing.assert_close(seen[-1], loss(logits, labels, rows=ROWS))
        loss.end_step(logits, labels, ROWS)
    assert len({round(one.item(), 9) for one in seen}) == 3


def test_its_count_is_that_of_the_paper() -> None:
    assert count(16, 80, mode="correct", t=3, delta=0.002) == 8
    logits, labels = torch.randn(16, 80, dtype=torch.float64), torch.zeros(16, 80)
    each = loss_at(3, mode="reject", reduction="none")(logits, labels)
    assert each.eq(0).sum() == 8


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "forget"}, "`mode` must be one of 'reject', .*, got 'forget'"),
        ({"rate": 1.5}, r"`rate` must be in \[0, 1\], got 1.5; it is a share"),
        ({"rate": float("nan")}, r"`rate` must be in \[0, 1\], got nan"),
    ],
)
@pytest.mark.usefixtures("no_shape_checks")
def test_mistakes_are_refused_at_construction(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LargeLoss(**settings)


def test_rows_that_are_missing_or_of_no_image_are_refused() -> None:
    logits, labels = logits_and_labels()
    loss = LargeLoss(mode="correct_for_good")
    with pytest.raises(ValueError, match=r"`rows` must say which .* with LargeLoss, .* got None"):
        loss(logits, labels)
    with pytest.raises(
        ValueError, match=r"of the 0 images .* got \[4, 0, 2\]; first call `begin_t"
    ):
        loss(logits, labels, rows=ROWS)
    loss.begin_training(torch.zeros(3, 5))
    with pytest.raises(ValueError, match="`rows` must be of the 3 images that LargeLoss"):
        loss(logits, labels, rows=ROWS)
