from typing import cast

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.prediction.photographs import tiny_pair, write_pictures
from trmml.bridges import PartialLabelClassifier
from trmml.bridges.signed_labels import ZeroMeaning
from trmml.prediction.tower_features import picture_features

NAN = float("nan")


@pytest.fixture
def data():
    """Features, and labels of three classes with a third of them unknown, as nan."""
    drawn = np.random.default_rng(0)
    features = drawn.normal(size=(80, 5))
    truth = features @ drawn.normal(size=(5, 3)) + drawn.normal(size=(80, 3)) > 0
    labels = np.where(drawn.random((80, 3)) < 0.33, NAN, np.where(truth, 1.0, -1.0))
    return features, labels


def test_each_class_is_the_logistic_regression_of_its_known_rows(data):
    features, labels = data
    standard = (features - features.mean(0)) / features.std(0)
    found = PartialLabelClassifier(penalty=3.0).fit(features, labels)
    for column, given in enumerate(labels.T):
        known = ~np.isnan(given)
        other = LogisticRegression(C=1 / 3.0, tol=1e-8).fit(standard[known], given[known])
        expected = other.predict_proba(standard)[:, 1]
        np.testing.assert_allclose(found.predict_proba(features)[:, column], expected, atol=1e-4)
    assert (found.predict(features) == (found.predict_proba(features) >= 0.5)).all()
    assert found.coef_.shape == (3, 5)
    assert 0.7 < found.score(features, labels) <= 1


def test_all_codings_of_unknown_mean_the_same(data):
    features, labels = data
    expected = PartialLabelClassifier(penalty=3.0).fit(features, labels).coef_
    signed = np.nan_to_num(labels).astype(int)
    zero_one = np.where(labels == -1, 0, labels)
    forms: list[tuple[object, ZeroMeaning | None]] = [
        (signed, None),
        (signed, "unknown"),
        (signed.tolist(), None),
        (torch.tensor(signed), None),
        (zero_one, None),
        (zero_one, "negative"),
    ]
    for given, zero in forms:
        found = PartialLabelClassifier(penalty=3.0, zero=zero).fit(features, given)
        np.testing.assert_allclose(found.coef_, expected)


@pytest.mark.parametrize(
    ("labels", "rule"),
    [
        ([[1, 0], [0, 1]], "neither nan nor -1; say `zero="),
        ([[1, 0], [NAN, -1]], "both nan and -1; say `zero="),
        ([[1, 2], [0, -1]], "must hold only 1, 0, -1 and nan, got also 2"),
        ([1, -1], r"must be \[images classes\], got \[2\]"),
        ([["yes", "no"]] * 2, "must be numbers"),
        ([[1, -1]], "same number of rows, at least 2, got 2 and 1"),
    ],
)
def test_labels_that_may_mean_two_things_are_refused(labels, rule):
    with pytest.raises(ValueError, match=rule):
        PartialLabelClassifier().fit(np.eye(2), labels)


def test_a_class_of_one_kind_is_named_and_gets_its_share(data):
    features, labels = data
    labels[:, 1] = np.where(labels[:, 1] == 1, 1, NAN)
    found = PartialLabelClassifier(penalty=3.0).fit(features, labels)
    assert found.one_sided_ == [1]
    seen = (labels[:, 1] == 1).sum()
    np.testing.assert_allclose(found.predict_proba(features)[:, 1], (seen + 1) / (seen + 2))
    nothing = PartialLabelClassifier().fit(features, np.full((80, 2), NAN))
    assert nothing.one_sided_ == [0, 1]
    np.testing.assert_allclose(nothing.predict_proba(features), 0.5)


def test_it_keeps_the_conventions(data):
    features, labels = data
    made = PartialLabelClassifier(penalty=5.0, zero="unknown")
    copy = cast(PartialLabelClassifier, clone(made))
    assert copy.get_params() == made.get_params()
    assert repr(copy) == "PartialLabelClassifier(zero='unknown', penalty=5.0)"
    assert copy.set_params(penalty=2.0) is copy
    assert copy.penalty == 2.0
    assert copy.fit(features, labels) is copy
    assert (copy.n_features_in_, copy.penalty_) == (5, 2.0)
    with pytest.raises(ValueError, match=r"`set_params` takes encoders, .*, got strength"):
        copy.set_params(strength=1)
    with pytest.raises(RuntimeError, match="`fit` must be called first"):
        made.predict(features)
    with pytest.raises(ValueError, match="must have 5 features, as in `fit`, got 4"):
        copy.predict(features[:, :4])


def test_it_works_in_pipelines_searches_and_cross_validation(data):
    features, labels = data
    pipeline = make_pipeline(StandardScaler(), PartialLabelClassifier(penalty=3.0))
    assert cross_val_score(pipeline, features, labels, cv=KFold(3)).mean() > 0.7
    search = GridSearchCV(PartialLabelClassifier(), {"penalty": [3.0, 3e5]}, cv=3)
    assert search.fit(features, labels).best_params_ == {"penalty": 3.0}


def test_without_a_penalty_it_is_chosen_by_unseen_images(data):
    features, labels = data
    assert PartialLabelClassifier().fit(features, labels).penalty_ in (3.0, 30.0, 300.0)


def test_pictures_are_seen_by_the_towers(tmp_path):
    paths = [tmp_path / name for name in write_pictures(tmp_path, 4)]
    labels = [[1, -1], [-1, 0], [1, 1], [0, -1]]
    by_picture = PartialLabelClassifier(encoders=tiny_pair(), image_size=64, penalty=3.0)
    found = by_picture.fit(paths, labels).predict_proba([Image.open(paths[1])])
    features = picture_features(tiny_pair(), paths, image_size=64, batch_size=3).numpy()
    expected = PartialLabelClassifier(penalty=3.0).fit(features, labels)
    np.testing.assert_allclose(found, expected.predict_proba(features[1:2]), rtol=1e-4)


@pytest.mark.parametrize(
    ("features", "rule"),
    [
        (["a.jpg", "b.jpg"], r"say by which towers .*encoders="),
        ([[1.0], [NAN]], "must be finite"),
        ([1.0, 2.0], r"must be \[images dim\], got \[2\]"),
    ],
)
def test_features_that_are_none_are_refused(features, rule):
    with pytest.raises(ValueError, match=rule):
        PartialLabelClassifier().fit(features, [[1], [-1]])
