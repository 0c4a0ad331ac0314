"""What the engine tells a loss, and what it refuses for one, whatever the method."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from trmml.encoders import load_tiny
from trmml.losses import SPLCLoss
from trmml.models import METHODS, LossConfig, Task
from trmml.training import (
    FeatureSource,
    Recipe,
    RunConfig,
    StoredFeatures,
    Trainer,
    fit,
    load_run_config,
)

NAMES = ["tree", "boat", "car"]


def task_of(method: str, loss: LossConfig) -> Task:
    config = METHODS[method].Model.Config(loss=loss)
    generator = torch.Generator().manual_seed(0)
    return METHODS[method].build(
        load_tiny(), NAMES, config=config, image_size=64, generator=generator
    )


def stored() -> tuple[StoredFeatures, torch.Tensor]:
    dense = torch.randn(12, 9, 128, generator=torch.Generator().manual_seed(1))
    labels = torch.randint(0, 2, (12, 3), generator=torch.Generator().manual_seed(2))
    labels[0] = 1
    return StoredFeatures(dense, dense.mean(dim=1), (3, 3)), labels


@pytest.mark.parametrize("method", METHODS)
def test_a_loss_is_told_the_epoch_and_the_state_keeps_it(method: str) -> None:
    task = task_of(method, LossConfig("splc"))
    features, labels = stored()
    fit(task, features, labels, recipe=Recipe(epochs=3, batch_size=6))
    (loss,) = (part for part in task.modules() if isinstance(part, SPLCLoss))
    assert loss.epoch == 2
    other = task_of(method, LossConfig("splc"))
    other.load_state_dict(task.state_dict())
    (again,) = (part for part in other.modules() if isinstance(part, SPLCLoss))
    assert again.epoch == 2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["hill", "pairwise-hinge"])
def test_a_loss_by_its_name_teaches_any_method(method: str, name: str) -> None:
    config = load_run_config("voc2007", [f"model.method={method}", f"model.loss={name}"])
    assert config.model.loss == LossConfig(name)
    task = task_of(method, config.model.loss)
    features, labels = stored()
    labels[:, 1] = 2 * labels[:, 1] - 1
    before = [p.detach().clone() for p in task.parameters()]
    fit(task, features, labels, recipe=Recipe(epochs=2, batch_size=6))
    after = [p.detach() for p in task.parameters()]
    assert any(not torch.equal(*pair) for pair in zip(before, after, strict=True))


def run_config(loss: LossConfig) -> None:
    RunConfig(model=METHODS["trmml"].Model.Config(loss=loss), recipe=Recipe(class_sample=2))


def trainer(loss: LossConfig) -> None:
    features, labels = stored()
    source = FeatureSource(features, labels)
    Trainer(task_of("trmml", loss), source, recipe=Recipe(class_sample=2, batch_size=6))


@pytest.mark.parametrize("starts", [run_config, trainer])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("expected-positive", {"expected_positives": 1.0}),
        ("partial-asymmetric", {"priors": [0.1, 0.2, 0.3]}),
    ],
)
def test_a_loss_of_all_classes_is_refused_where_some_are_drawn(
    starts: Callable[[LossConfig], None], name: str, settings: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="`class_sample` must be None with a loss that has to see"):
        starts(LossConfig(name, settings))


@pytest.mark.parametrize("starts", [run_config, trainer])
def test_without_priors_classes_may_be_drawn(starts: Callable[[LossConfig], None]) -> None:
    starts(LossConfig("partial-asymmetric"))


def test_a_number_that_a_loss_needs_is_given_beside_its_name() -> None:
    number = "model.loss.settings.expected_positives=1.5"
    config = load_run_config("voc2007", ["model.loss=expected-positive", number])
    assert config.model.loss == LossConfig("expected-positive", {"expected_positives": 1.5})
    with pytest.raises(ValueError, match="'expected-positive' must have 'expected_positives'"):
        load_run_config("voc2007", ["model.loss=expected-positive"])


def test_priors_are_a_list_in_a_configuration() -> None:
    priors = "model.loss.settings.priors=[0.1, 0, 0.3]"
    config = load_run_config("voc2007", ["model.loss=partial-asymmetric", priors])
    assert config.model.loss.settings == {"priors": [0.1, 0.0, 0.3]}
