from typing import Any

import pytest
import torch

from tests.losses.every_loss import REQUIRED
from tests.models.fixed_features import batch, matched
from tests.random_clip import random_pair
from trmml.losses import LOSSES
from trmml.models import TRMML, LossConfig, TRMMLConfig


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_teaches_trm_ml(name: str) -> None:
    settings = REQUIRED.get(name, {})
    config = TRMMLConfig(loss=LossConfig(name, settings))
    generator = torch.Generator().manual_seed(0)
    model = TRMML(random_pair(), ["tree", "boat", "car"], config=config, generator=generator)
    features, labels = batch(8)
    output = matched(model.train(), features.float())
    rows, known, alone = torch.arange(len(labels)), 0 * labels, LOSSES[name](**settings)
    for loss in (model.classification_loss, alone):
        loss.begin_training(known)
    losses = model.loss(output, labels, rows=rows)
    assert torch.equal(losses.region, alone.of_images(output.logits, labels, rows))
    losses.total.backward()


def test_the_loss_follows_its_model_and_is_no_part_of_it() -> None:
    config = TRMMLConfig(loss=LossConfig("role", REQUIRED["role"]))
    model = TRMML(random_pair(), ["tree", "boat", "car"], config=config)
    model.classification_loss.begin_training(torch.zeros(8, 3))
    for mode in (False, True):
        assert model.train(mode).classification_loss.training is mode
    assert model.double().classification_loss.get_parameter("estimates").dtype == torch.float64
    assert all(value.shape != (8, 3) for value in model.parameters())
    assert not any("loss.estimates" in name for name in model.state_dict())


def test_settings_reach_the_loss() -> None:
    loss = LossConfig("asymmetric", {"gamma_neg": 4.0, "margin": 0.0}).build()
    assert "gamma_neg=4.0, margin=0.0" in repr(loss)


def test_settings_may_hold_a_number_for_each_class() -> None:
    config = TRMMLConfig(loss=LossConfig("partial-asymmetric", {"priors": [0.1, 0.0, 0.5]}))
    again = TRMMLConfig.from_dict(config.as_dict())
    assert again == config
    assert "priors=[0.1, 0.0, 0.5]" in repr(again.loss.build())


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("asymetric", {}, "`loss` must be one of 'asymmetric', .*; did you mean 'asymmetric'?"),
        ("asymmetric", {"gama_neg": 1.0}, "got 'gama_neg'; did you mean 'gamma_neg'?"),
        ("asymmetric", {"reduction": "sum"}, "got 'reduction'"),
        ("asymmetric", {"gamma_neg": -1.0}, "`gamma_neg` must be finite and at least 0"),
        (
            "asymmetric",
            {"gamma_neg": "high"},
            "must be of the types that it takes, got {'gamma_neg': 'high'}",
        ),
        (
            "expected-positive",
            {"regularizer_weight": 2.0},
            "of 'expected-positive' must have 'expected_positives', which has no default, got "
            "{'regularizer_weight': 2.0}; `trmml.losses.ExpectedPositiveLoss` says",
        ),
        ("role", {"expected_positives": 2.0, "num_images": 8}, "got 'num_images'"),
        (
            "bce",
            {"gamma_neg": 1.0},
            "`loss.settings` of 'bce' must be empty, for it has none, got 'gamma_neg'",
        ),
    ],
)
@pytest.mark.usefixtures("no_shape_checks")
def test_a_wrong_loss_is_refused_where_it_is_named(
    name: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        LossConfig(name, settings)
