import pytest
import torch
from torch import Tensor

from tests._references.asymmetric_pseudo_label_loss import em_apl, pseudo_labels
from tests.losses.every_loss import gradient, logits_and_labels
from trmml.losses import AsymmetricPseudoLabelLoss, EntropyMaximizationLoss
from trmml.losses.asymmetric_pseudo_label_loss import lowest_of_each_class

EVERYONE = torch.arange(12)


def drawn() -> tuple[Tensor, Tensor]:
    labels = torch.randint(-1, 2, (12, 5))
    return 3 * torch.randn(12, 5, dtype=torch.float64), labels * (torch.rand(12, 5) < 0.3)


def loss_of(labels: Tensor, **settings: object) -> AsymmetricPseudoLabelLoss:
    chosen = {"first_epoch": 2, "last_epoch": 4, **settings}
    loss = AsymmetricPseudoLabelLoss(**chosen).double()  # pyright: ignore
    loss.begin_training(labels)
    return loss


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 1.0])
def test_epoch_by_epoch_it_equals_its_loops(share: float) -> None:
    _, labels = drawn()
    loss = loss_of(labels, share=share, entropy_weight=0.3, pseudo_weight=0.6, reduction="sum")
    pseudo: dict[tuple[int, int], float] = {}
    counts = []
    scores: Tensor | None = None
    for epoch in range(6):
        loss.begin_epoch(epoch)
        if scores is not None:
            known = labels != 0
            plain = [
                [None if k else s for s, k in zip(s_b, k_b, strict=True)]
                for s_b, k_b in zip(scores.tolist(), known.tolist(), strict=True)
            ]
            pseudo = pseudo_labels(plain, pseudo, epoch=epoch, first=2, last=4, share=share)
        scores, _ = drawn()
        expected = em_apl(scores.tolist(), labels.tolist(), pseudo, alpha=0.3, beta=0.6)
        torch.testing.assert_close(loss(scores, labels, rows=EVERYONE).item(), expected)
        assert int((~loss.targets.isnan()).sum()) == len(pseudo)
        counts.append(len(pseudo))
        for rows in torch.randperm(12).split(5):
            loss.end_step(scores[rows], labels[rows], rows)
    assert counts[:2] == [0, 0]
    assert counts == sorted(counts)
    assert (counts[-1] == int((labels == 0).sum())) == (share == 1)


def test_without_targets_it_is_entropy_maximisation() -> None:
    logits, labels = logits_and_labels()
    loss = AsymmetricPseudoLabelLoss(entropy_weight=0.2)
    loss.begin_training(labels)
    found = loss(logits, labels, rows=torch.arange(3))
    torch.testing.assert_close(found, EntropyMaximizationLoss(entropy_weight=0.2)(logits, labels))


def test_an_epoch_that_is_resumed_keeps_its_targets() -> None:
    logits, labels = drawn()
    loss = loss_of(labels)
    loss.end_step(logits, labels, EVERYONE)
    loss.begin_epoch(2)
    targets = loss.targets.clone()
    loss.end_step(-logits[:4], labels[:4], EVERYONE[:4])
    again = loss_of(labels)
    again.load_state_dict(loss.state_dict())
    again.begin_epoch(2)
    torch.testing.assert_close(again.targets, targets, equal_nan=True, rtol=0, atol=0)
    assert torch.equal(again.scores.isnan(), loss.scores.isnan())
    again.begin_epoch(3)
    assert (~again.targets.isnan()).sum() > (~targets.isnan()).sum()


def test_a_target_pulls_the_score_to_where_it_was_and_known_labels_have_none() -> None:
    labels = torch.tensor([[0.0, -1.0, 0.0]])
    logits = torch.tensor([[-2.0, -9.0, 1.0]])
    loss = loss_of(labels, first_epoch=1, last_epoch=1, share=1.0).float()
    loss.end_step(logits, labels, torch.tensor([0]))
    loss.begin_epoch(1)
    assert loss.targets.isnan().tolist() == [[False, True, False]]
    for moved, sign in ((-1.0, -1), (1.0, 1)):
        slope = gradient(lambda x, y: loss(x, y, rows=torch.tensor([0])), logits + moved, labels)
        assert slope[0, [0, 2]].sign().tolist() == [sign, sign]


def test_a_new_training_forgets_the_old_one() -> None:
    logits, labels = drawn()
    loss = loss_of(labels)
    loss.end_step(logits, labels, EVERYONE)
    loss.begin_epoch(4)
    loss.begin_training(labels[:3])
    assert loss.targets.shape == (3, 5)
    assert loss.targets.isnan().all()
    assert loss.scores.isnan().all()
    assert loss.epoch == 0


def test_the_lowest_are_those_of_a_sorted_list() -> None:
    scores = torch.randn(40, 6)
    scores[torch.rand(40, 6) < 0.4] = torch.nan
    number = torch.tensor([0, 1, 5, 12, 40, -2])
    found = lowest_of_each_class(scores, number)
    for column, wanted in enumerate(number.tolist()):
        there = [(s, i) for i, s in enumerate(scores[:, column].tolist()) if s == s]
        expected = {i for _, i in sorted(there)[: max(wanted, 0)]}
        assert {*found[:, column].nonzero().flatten().tolist()} == expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"entropy_weight": -1.0}, "`entropy_weight` must be finite and at least 0, got -1.0"),
        ({"pseudo_weight": float("inf")}, "`pseudo_weight` must be finite and at least 0, got inf"),
        ({"share": 1.5}, r"`share` must be in \[0, 1\], got 1.5"),
        ({"first_epoch": -1}, "`first_epoch` must be a whole number and at least 0, got -1"),
        (
            {"first_epoch": 5, "last_epoch": 4},
            r"`last_epoch` must be a whole number and at least `first_epoch` \(5\), got 4",
        ),
    ],
)
def test_mistakes_are_refused_at_construction(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AsymmetricPseudoLabelLoss(**settings)


def test_rows_are_needed() -> None:
    logits, labels = logits_and_labels()
    with pytest.raises(ValueError, match="`rows` must say which"):
        AsymmetricPseudoLabelLoss()(logits, labels)
    with pytest.raises(ValueError, match="first call `begin_training"):
        AsymmetricPseudoLabelLoss()(logits, labels, rows=torch.arange(3))
