"""Labels are added by rank in each class, as many as known ones let expect, or none."""

import pytest
import torch
from torch import Tensor

from tests._references.ranked_labels import ranked
from trmml.completion import ranked_labels
from trmml.completion.evidence_regression import evidence_logits
from trmml.completion.withheld_labels import (
    best_cross_fit,
    class_log_odds,
    evidence_features,
    fit_withheld,
    standardised,
)

IMAGES, CLASSES = 150, 4


def drawn(noise: float, *, known: float = 0.3, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Draw evidence of labels, some of which are known."""
    generator = torch.Generator().manual_seed(seed)
    often = torch.tensor([0.5, 0.25, 0.1, 0.4])
    truth = torch.where(torch.rand(IMAGES, CLASSES, generator=generator) < often, 1, -1)
    evidence = truth + noise * torch.randn(2, IMAGES, CLASSES, generator=generator)
    told = torch.rand(IMAGES, CLASSES, generator=generator) < known
    return evidence, torch.where(told, truth, 0), truth


@pytest.mark.parametrize("share", [0.1, 0.25, 1.0])
def test_it_is_the_reference(share: float) -> None:
    evidence, labels, _ = drawn(1.0)
    standard = standardised(evidence.double())[0]
    apart, _ = best_cross_fit(standard, labels)
    odds = class_log_odds(labels)
    fit = fit_withheld(standard, labels, offset_deviation=apart)
    logits, _ = evidence_logits(fit, evidence_features(standard, odds))
    expected = ranked(logits.tolist(), labels.tolist(), odds.sigmoid().tolist(), share)
    found = ranked_labels(evidence, labels, share=share)
    assert found.tolist() == expected
    assert found.dtype == labels.dtype
    assert bool((found[labels != 0] == labels[labels != 0]).all())


def test_withheld_labels_tell_how_often_and_known_ones_stay() -> None:
    evidence, labels, truth = drawn(1.0)
    withheld = labels.masked_fill(torch.arange(IMAGES)[:, None] % 2 == 0, 0)
    found = ranked_labels(evidence, labels, withheld=withheld)
    assert not torch.equal(found, ranked_labels(evidence, labels))
    assert bool((found[labels != 0] == labels[labels != 0]).all())
    added = (labels == 0) & (found != 0)
    assert (found == truth)[added].double().mean() > 0.9


def test_evidence_that_says_nothing_adds_nothing_but_by_rare_chance() -> None:
    added = sum(
        bool((ranked_labels(evidence, labels) != labels).any())
        for evidence, labels, _ in (drawn(1e6, seed=seed) for seed in range(30))
    )
    assert added <= 5  # of 30, of which 1.5 are expected; more than 5 come once in three hundred


def test_a_known_label_of_an_image_does_not_vouch_for_itself() -> None:
    """Evidence with a kind for each of a few known labels fits them and tells nothing."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.zeros(IMAGES, 1).long()
    labels[:6, 0] = torch.tensor([1, -1, -1, 1, -1, 1])
    evidence = torch.randn(5, IMAGES, 1, generator=generator)
    assert torch.equal(ranked_labels(evidence, labels), labels)


@pytest.mark.parametrize("sign", [1, -1, 0])
def test_labels_of_one_kind_add_nothing(sign: int) -> None:
    evidence, _, _ = drawn(0.1)
    labels = torch.zeros(IMAGES, CLASSES).long()
    labels[:20] = sign
    assert torch.equal(ranked_labels(evidence, labels), labels)


def test_no_image_is_no_matter() -> None:
    nothing = torch.zeros(0, CLASSES).long()
    assert ranked_labels(torch.zeros(2, 0, CLASSES), nothing).shape == (0, CLASSES)


def test_a_class_without_unknown_labels_is_left() -> None:
    evidence, labels, truth = drawn(0.5)
    labels[:, 1] = truth[:, 1]
    found = ranked_labels(evidence, labels)
    assert torch.equal(found[:, 1], truth[:, 1])
    assert bool((found != labels).any())


def test_bad_input_is_named() -> None:
    evidence, labels, _ = drawn(1.0)
    for share in (0.0, -1.0, 1.5, float("nan")):
        with pytest.raises(ValueError, match=r"`share` must be in \(0, 1\], got"):
            ranked_labels(evidence, labels, share=share)
    with pytest.raises(ValueError, match="must be finite"):
        ranked_labels(evidence.masked_fill(evidence > 1, torch.nan), labels)
    with pytest.raises(ValueError, match="must contain only -1"):
        ranked_labels(evidence, labels * 2)
