"""Known labels are ranked as the loops rank them, and as cleanlab does."""

import numpy as np
import pytest
import torch
from cleanlab.multilabel_classification import get_label_quality_scores
from cleanlab.rank import get_label_quality_scores as quality_of_a_class

from tests._references.suspect_labels import ranked
from trmml.completion import out_of_fold_probabilities, rank_suspects


def cells(found):
    return list(zip(found.rows.tolist(), found.columns.tolist(), strict=True))


def flipped_world(known_share: float, *, images: int = 300, classes: int = 4):
    """Two clouds for each class, known labels of which one in ten is flipped, and which."""
    generator = torch.Generator().manual_seed(0)
    truth = torch.where(torch.rand(images, classes, generator=generator) < 0.3, 1, -1)
    directions = torch.randn(classes, 12, generator=generator)
    noise = torch.randn(images, 12, generator=generator)
    features = truth.float() @ directions + 1.5 * noise
    known = torch.rand(images, classes, generator=generator) < known_share
    flips = known & (torch.rand(images, classes, generator=generator) < 0.1)
    return features, torch.where(flips, -truth, truth) * known, flips


@pytest.mark.parametrize("known", [0.0, 0.3, 1.0])
def test_the_order_is_that_of_the_loops(known):
    generator = torch.Generator().manual_seed(1)
    p = torch.randint(0, 5, (40, 7), generator=generator) / 4  # many are equal
    p[:, 3] = torch.nan
    labels = torch.where(torch.rand(40, 7, generator=generator) < 0.4, 1, -1)
    labels *= torch.rand(40, 7, generator=generator) < known
    expected = ranked(p.tolist(), labels.tolist())
    assert cells(rank_suspects(p, labels)) == expected
    assert cells(rank_suspects(p, labels, top_k=5)) == expected[:5]


def test_complete_labels_are_ranked_within_images_as_cleanlab_ranks_them():
    features, labels, _ = flipped_world(1.0)
    p = out_of_fold_probabilities(features, labels).probabilities
    found = rank_suspects(p, labels)
    confidence = torch.empty_like(p)
    confidence[found.rows, found.columns] = found.confidence
    lists = [row.nonzero()[:, 0].tolist() for row in labels > 0]
    expected = get_label_quality_scores(
        lists, p.numpy(), adjust_pred_probs=False, aggregator_kwargs={"method": np.min}
    )
    np.testing.assert_allclose(confidence.min(dim=1).values.numpy(), expected, atol=1e-12)


def test_known_labels_are_ranked_as_cleanlab_ranks_those_of_each_class():
    features, labels, flips = flipped_world(0.6)
    p = out_of_fold_probabilities(features, labels).probabilities
    quality = torch.full_like(p, torch.inf)
    for column in range(labels.shape[1]):
        known = labels[:, column] != 0
        both = torch.stack([1 - p[known, column], p[known, column]], dim=1)
        given = (labels[known, column] > 0).long()
        scores = quality_of_a_class(given.numpy(), both.numpy(), method="self_confidence")
        quality[known, column] = torch.from_numpy(scores)
    order = quality.flatten().argsort(stable=True)[: int((labels != 0).sum())]
    found = rank_suspects(p, labels)
    assert torch.equal(found.rows * labels.shape[1] + found.columns, order)
    first = flips[found.rows, found.columns][: int(flips.sum())]
    assert first.double().mean() > 0.6  # one in ten by chance


def test_what_makes_no_sense_is_refused():
    p, labels = torch.full((2, 2), 0.5), torch.ones(2, 2, dtype=torch.long)
    with pytest.raises(ValueError, match="`top_k` must be at least 1, got 0"):
        rank_suspects(p, labels, top_k=0)
    with pytest.raises(ValueError, match=r"`probabilities` must be in \[0, 1\]"):
        rank_suspects(3 * p, labels)
