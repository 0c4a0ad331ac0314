"""A stack is what its equation says, leaves out what does not help, and never guesses."""

import pytest
import torch

from tests._references.stacking import not_negative, summed
from trmml.completion import fit_stacking
from trmml.completion.withheld_labels import best_cross_fit, fit_withheld, standardised
from trmml.metrics import mean_average_precision

IMAGES, CLASSES = 300, 4


def drawn(*noises: float, share: float = 1.0, seed: int = 0):
    """Draw labels, and a kind of evidence for each amount of noise."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.where(torch.rand(IMAGES, CLASSES, generator=generator) < 0.25, 1, -1)
    noise = torch.randn(len(noises), IMAGES, CLASSES, generator=generator).double()
    evidence = truth + noise * torch.tensor(noises).double()[:, None, None]
    known = torch.rand(IMAGES, CLASSES, generator=generator) < share
    return evidence, truth, torch.where(known, truth, 0)


def test_it_is_the_sum_of_the_loops_up_to_a_constant_of_each_class() -> None:
    evidence, _, labels = drawn(1.0, 2.0, 50.0, share=0.3)
    evidence = evidence * torch.tensor([3.0, 0.1, 1.0]).double()[:, None, None] + 5
    standard, _, _ = standardised(evidence)
    offset, _ = best_cross_fit(standard, labels)
    first = fit_withheld(standard, labels, offset_deviation=offset, expected=(1.0, 0.5))
    counts = not_negative(first.weights[:3].tolist())
    expected = torch.tensor(summed(evidence.tolist(), counts), dtype=torch.float64)
    stacking = fit_stacking(evidence, labels, counted=[True] * 3)
    assert stacking is not None
    logits = stacking.logits(evidence)
    constant = (logits - expected).std(0)
    assert counts[0] > counts[1] > counts[2] >= 0
    torch.testing.assert_close(constant, torch.zeros(CLASSES).double(), atol=1e-9, rtol=0)


def test_what_does_not_count_is_as_if_it_were_not_there() -> None:
    evidence, _, labels = drawn(1.0, 1.0, 1.0, share=0.3)
    some = fit_stacking(evidence, labels, counted=[True, False, True])
    alone = fit_stacking(evidence[[0, 2]], labels, counted=[True, True])
    assert some is not None
    assert alone is not None
    assert not some.weights[1].any()
    torch.testing.assert_close(some.logits(evidence), alone.logits(evidence[[0, 2]]))


def test_few_labels_hardly_change_what_kinds_are_expected_to_be_worth() -> None:
    evidence, _, labels = drawn(1.0, 1.0)
    few = torch.zeros_like(labels)
    for sign in (1, -1):
        few[(labels[:, 0] == sign).nonzero()[0, 0], 0] = sign
    stacking = fit_stacking(evidence, few, counted=[True, True])
    assert stacking is not None
    _, _, deviation = standardised(evidence)
    assert float((stacking.weights * deviation - 1).abs().max()) < 0.4


def test_probabilities_are_right_as_often_as_they_say() -> None:
    evidence, truth, labels = drawn(1.0, 1.5, share=0.5)
    stacking = fit_stacking(evidence, labels)
    assert stacking is not None
    probability = stacking.logits(evidence).sigmoid()[labels == 0]
    there = (truth == 1)[labels == 0].double()
    for low, high in ((0.0, 0.2), (0.2, 0.6), (0.6, 1.0)):
        some = (probability >= low) & (probability < high)
        assert abs(float(probability[some].mean() - there[some].mean())) < 0.08


def test_two_that_see_different_things_are_better_than_either() -> None:
    evidence, truth, labels = drawn(1.0, 1.0, share=0.3)
    stacking = fit_stacking(evidence, labels)
    assert stacking is not None
    together = mean_average_precision(stacking.logits(evidence), truth)
    alone = [mean_average_precision(kind, truth) for kind in evidence]
    assert together > max(alone) + 0.02


def test_what_says_nothing_costs_next_to_nothing() -> None:
    lost = []
    for seed in range(10):  # of some 36 labels each
        evidence, truth, labels = drawn(1.5, 1e6, share=0.03, seed=seed)
        stacking = fit_stacking(evidence, labels)
        assert stacking is not None
        together = mean_average_precision(stacking.logits(evidence), truth)
        lost.append(mean_average_precision(evidence[0], truth) - together)
    assert sum(lost) / len(lost) < 0.02


def test_where_nothing_helps_the_first_gives_the_order_alone() -> None:
    evidence, _, labels = drawn(0.3, 0.3)
    against = -evidence  # both are worse than nothing, and all labels are there to say so
    stacking = fit_stacking(against, labels, counted=[True, True])
    assert stacking is not None
    logits = stacking.logits(against)
    assert torch.equal(logits.argsort(0), against[0].argsort(0))
    assert float(logits.sigmoid().std(0).max()) < 1e-2  # next to the shares of the classes


@pytest.mark.parametrize("sign", [1, -1, 0])
def test_labels_of_one_kind_give_no_stack(sign: int) -> None:
    evidence, _, _ = drawn(1.0, 1.0)
    assert fit_stacking(evidence, torch.full((IMAGES, CLASSES), sign)) is None


def test_bad_input_is_refused_by_name() -> None:
    evidence, _, labels = drawn(1.0, 1.0)
    with pytest.raises(ValueError, match="`evidence` must be finite"):
        fit_stacking(evidence.log(), labels)
    for counted in ([True], [False, False]):
        with pytest.raises(ValueError, match="`counted` must say of each of 2 kinds"):
            fit_stacking(evidence, labels, counted=counted)
    with pytest.raises(ValueError, match="labels"):
        fit_stacking(evidence, labels * 2)
    with pytest.raises(ValueError, match="images"):
        fit_stacking(evidence, labels[:-1])
