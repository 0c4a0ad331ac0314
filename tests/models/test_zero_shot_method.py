import statistics
from math import exp

import pytest
import torch

from tests._references.matching import cosine
from tests.random_clip import DIM, random_pair
from trmml.metrics import mean_average_precision
from trmml.models import zero_shot_text_features
from trmml.models.zero_shot import dense_zero_shot_scores
from trmml.models.zero_shot_method import ZeroShot, ZeroShotConfig, ZeroShotTask
from trmml.training import FeatureSource, Recipe, StoredFeatures, Trainer, predict_logits

NAMES = ["tree", ["boat", "ship"], "car"]


def model_of(**settings: object) -> ZeroShot:
    config = ZeroShotConfig.from_dict(settings)
    return ZeroShot(random_pair(), NAMES, config=config).double()


def raw(features: torch.Tensor, g: list[list[float]], aggregation: str) -> list[list[float]]:
    scores = []
    for f in features.tolist():
        mean = [statistics.mean(column) for column in zip(*f, strict=True)]
        scores.append([])
        for g_c in g:
            cosines = [cosine(f_n, g_c) for f_n in f]
            weights = [exp(s / 0.05) for s in cosines]
            total = sum(w * s for w, s in zip(weights, cosines, strict=True)) / sum(weights)
            found = {"mean": cosine(mean, g_c), "max": max(cosines), "softmax": total}
            scores[-1].append(found[aggregation])
    return scores


def standardised(values: list[float]) -> list[float]:
    mean, spread = statistics.mean(values), statistics.pstdev(values)
    return [(value - mean) / spread for value in values]


@pytest.mark.parametrize("aggregation", ["mean", "max", "softmax"])
@pytest.mark.parametrize("standardized", ["none", "class", "image", "both"])
def test_scores_are_those_of_the_loops(aggregation: str, standardized: str) -> None:
    model = model_of(aggregation=aggregation, standardized=standardized)
    features = torch.randn(5, 6, DIM, dtype=torch.float64)
    model.calibrate(features)
    scores = raw(features, model.texts.tolist(), aggregation)
    if standardized in ("class", "both"):
        columns = [standardised([row[c] for row in scores]) for c in range(3)]
        scores = [[column[b] for column in columns] for b in range(5)]
    else:
        every = standardised([score for row in scores for score in row])
        scores = [every[3 * b : 3 * b + 3] for b in range(5)]
    if standardized in ("image", "both"):
        scores = [standardised(row) for row in scores]
    found = model.match(features, (2, 3)).logits
    torch.testing.assert_close(found, torch.tensor(scores).double(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("standardized", ["none", "class"])
def test_training_never_changes_the_order_of_the_images(standardized: str) -> None:
    dense = torch.randn(40, 6, DIM)
    features = StoredFeatures(dense, dense.mean(dim=1), (2, 3))
    labels = torch.where(torch.rand(40, 3) < 0.5, 1, -1)
    model = model_of(standardized=standardized).float()
    trainer = Trainer(
        ZeroShotTask(model), FeatureSource(features, labels), recipe=Recipe(epochs=3, batch_size=8)
    )
    trainer.run()
    assert model.calibrated
    assert model.bias != 0
    texts = zero_shot_text_features(random_pair().text, NAMES)
    expected = mean_average_precision(dense_zero_shot_scores(dense, texts), labels)
    assert mean_average_precision(predict_logits(model, features), labels) == expected


def test_what_was_calibrated_is_saved_and_not_taken_again(tmp_path) -> None:
    model = model_of(standardized="both").float()
    model.calibrate(torch.randn(9, 6, DIM))
    model.save_pretrained(tmp_path)
    again = ZeroShot.from_pretrained(tmp_path, encoders=random_pair())
    assert ZeroShotTask(again).calibration_images == 0
    again.calibrate(torch.randn(9, 6, DIM))
    features = torch.randn(2, 6, DIM)
    assert torch.equal(again.match(features, (2, 3)).logits, model.match(features, (2, 3)).logits)


def test_a_class_that_never_varies_is_finite() -> None:
    model = model_of(standardized="both")
    features = torch.randn(1, 6, DIM, dtype=torch.float64).expand(4, -1, -1)
    model.calibrate(features)
    assert model.match(features, (2, 3)).logits.isfinite().all()


def test_some_classes_are_measured_against_all() -> None:
    model = model_of(standardized="image")
    features, classes = torch.randn(2, 6, DIM, dtype=torch.float64), torch.tensor([2, 0])
    whole, part = model.match(features, (2, 3)), model.match(features, (2, 3), classes=classes)
    torch.testing.assert_close(part.logits, whole.logits[:, classes])
    torch.testing.assert_close(part.energy, whole.energy[:, classes])


@pytest.mark.usefixtures("no_shape_checks")
def test_another_name_is_refused() -> None:
    with pytest.raises(ValueError, match="`standardized` must be one of"):
        ZeroShotConfig.from_dict({"standardized": "prompt"})
