"""Probabilities come from the other images alone, and are right as often as they say."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from trmml.completion import logistic_probes, out_of_fold_probabilities


def some(images=200, classes=3, dim=5, *, known=0.7, seed=0):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(images, dim, generator=generator, dtype=torch.float64)
    weights = torch.randn(dim, classes, generator=generator, dtype=torch.float64)
    chance = (features @ weights - 1).sigmoid()
    truth = torch.where(torch.rand(images, classes, generator=generator) < chance, 1, -1)
    return features, truth, truth * (torch.rand(images, classes, generator=generator) < known)


@pytest.mark.parametrize("penalty", [0.5, 20.0])
def test_the_lines_are_those_of_scikit_learn(penalty):
    features, _, labels = some()
    weights, constants = logistic_probes(features, labels, penalty=penalty)
    for column in range(labels.shape[1]):
        known = labels[:, column] != 0
        other = LogisticRegression(C=1 / penalty, tol=1e-8, max_iter=1000)
        other.fit(features[known].numpy(), labels[known, column].numpy())
        expected = torch.from_numpy(other.coef_[0])
        torch.testing.assert_close(weights[:, column], expected, atol=1e-4, rtol=1e-4)
        assert abs(float(constants[column]) - float(np.ravel(other.intercept_)[0])) < 1e-3


def test_no_label_has_a_say_in_the_score_of_its_own_image():
    features, _, labels = some(60)
    changed = labels.clone()
    changed[7] *= -1
    chosen = out_of_fold_probabilities(features, labels)
    other = out_of_fold_probabilities(features, changed)
    assert chosen.penalty == other.penalty
    moved = (chosen.probabilities - other.probabilities).abs().max(dim=1).values
    # Of the linear probes it has none at all; the regression over all classes is cross-fitted too,
    # and what others taught it of this image is all that is left.
    assert moved[7] < 0.2 * moved.max()


def test_on_hidden_labels_probabilities_are_right_as_often_as_they_say():
    features, truth, labels = some(2000, known=0.5)
    found = out_of_fold_probabilities(features, labels)
    hidden = labels == 0
    probabilities, present = found.probabilities[hidden], truth[hidden] > 0
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        cells = (probabilities >= low) & (probabilities < low + 0.2)
        said, delivered = probabilities[cells].mean(), present[cells].double().mean()
        assert abs(float(said - delivered)) < 0.05, low


def test_evidence_without_labels_helps_where_few_are_known():
    features, truth, labels = some(300, dim=80, known=0.15)
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(1))
    evidence = (truth + noise)[None]
    hidden = labels == 0

    def surprise(found):
        agreed = torch.where(truth > 0, found.probabilities, 1 - found.probabilities)
        return float(-agreed[hidden].log().mean())

    alone = surprise(out_of_fold_probabilities(features, labels))
    assert surprise(out_of_fold_probabilities(features, labels, evidence=evidence)) < alone - 0.05


def test_a_class_of_one_kind_of_label_is_left_out():
    features, _, labels = some()
    labels[:, 1] = labels[:, 1].abs()
    found = out_of_fold_probabilities(features, labels)
    assert found.judged.tolist() == [True, False, True]
    assert found.probabilities.isnan().all(dim=0).tolist() == [False, True, False]


def test_what_cannot_be_learnt_from_is_refused():
    features, _, labels = some(10)
    with pytest.raises(ValueError, match=r"`folds` must be at least 2 .* images \(10\), got 11"):
        out_of_fold_probabilities(features, labels, folds=11)
    with pytest.raises(ValueError, match=r"`folds` must be at least 2 .*, got 1"):
        out_of_fold_probabilities(features, labels, folds=1)
    with pytest.raises(ValueError, match="of one class at least, got 0 positives and 0 negatives"):
        out_of_fold_probabilities(features, 0 * labels)
    with pytest.raises(ValueError, match="`features` must be finite"):
        out_of_fold_probabilities(torch.full_like(features, torch.nan), labels)
    with pytest.raises(ValueError, match="`evidence` must be finite"):
        out_of_fold_probabilities(features, labels, evidence=torch.full((1, 10, 3), torch.inf))
    with pytest.raises(ValueError, match="`penalty` must be above 0, got 0"):
        logistic_probes(features, labels, penalty=0.0)
