"""A score passes where labels show that it tells what is there, and rarely by chance."""

import pytest
import torch

from trmml.completion import evidence_regression, surely_tells

IMAGES, CLASSES = 200, 3


def drawn(noise: float, *, share: float = 1.0, seed: int = 0):
    """Draw scores of labels, some of which are known."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.where(torch.rand(IMAGES, CLASSES, generator=generator) < 0.25, 1, -1)
    scores = truth + noise * torch.randn(IMAGES, CLASSES, generator=generator)
    known = torch.rand(IMAGES, CLASSES, generator=generator) < share
    return scores, torch.where(known, truth, 0)


def test_a_good_score_passes_by_a_few_dozen_labels() -> None:
    assert all(surely_tells(*drawn(0.7, share=0.1, seed=seed)) for seed in range(5))


def test_a_score_that_says_nothing_passes_about_one_time_in_twenty() -> None:
    passed = sum(surely_tells(*drawn(1e6, share=0.2, seed=seed)) for seed in range(60))
    assert passed <= 8  # of 60, of which 3 are expected; more than 8 come once in three hundred


def test_a_score_that_says_the_contrary_does_not_pass() -> None:
    scores, labels = drawn(0.5)
    assert surely_tells(scores, labels)
    assert not surely_tells(-scores, labels)


def test_it_compares_the_weight_with_how_unsure_it_is() -> None:
    scores, labels = drawn(2.0)
    scores, labels = scores[:, :1], labels[:, :1]  # one class: its share is the constant's matter
    standard = ((scores - scores.mean(0)) / scores.std(0, correction=0)).double()
    positives, negatives = (labels == 1).sum(), (labels == -1).sum()
    share = (positives + 0.5) / (positives + negatives + 1)
    odds = torch.log((positives + share) / (negatives + 1 - share)).double()
    fit = evidence_regression(
        torch.cat([standard, odds.expand_as(standard), torch.ones_like(standard)], dim=1),
        torch.zeros(IMAGES).long(),
        labels[:, 0] == 1,
        num_classes=1,
        prior_mean=torch.tensor([0.0, 1, 0]).double(),
        prior_deviation=torch.tensor([3.0, 1, 3]).double(),
        offset_deviation=0.0,
    )
    sure = float(fit.weights[0] / fit.covariance[0, 0].sqrt())
    assert surely_tells(scores, labels, deviations=0.8 * sure)
    assert not surely_tells(scores, labels, deviations=1.25 * sure)


@pytest.mark.parametrize("sign", [1, -1, 0])
def test_labels_of_one_kind_tell_nothing(sign: int) -> None:
    scores, _ = drawn(0.1)
    assert not surely_tells(scores, torch.full((IMAGES, CLASSES), sign))


def test_bad_input_is_refused_by_name() -> None:
    scores, labels = drawn(1.0)
    with pytest.raises(ValueError, match="`scores` must be finite"):
        surely_tells(scores.log(), labels)
    with pytest.raises(ValueError, match="`deviations`"):
        surely_tells(scores, labels, deviations=-1)
    with pytest.raises(ValueError, match="images"):
        surely_tells(scores, labels[:-1])
