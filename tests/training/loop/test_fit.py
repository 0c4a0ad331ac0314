from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.random_clip import random_pair
from tests.training.small_run import (
    GRID,
    NAMES,
    SHORT,
    half_known,
    model_of,
    separable,
    task_of,
)
from trmml.models import TRMML, TRMMLConfig, TRMMLLosses, TRMMLTask
from trmml.training import (
    Losses,
    Recipe,
    complete_stored_labels,
    fit,
    parameter_groups,
    predict_logits,
)


@pytest.mark.parametrize("name", ["dualcoop", "all"])
def test_training_learns_a_separable_problem(name: str) -> None:
    features, labels = separable()
    model, losses = model_of(name), []
    recipe = Recipe(epochs=40, batch_size=16, max_lr=2e-2)
    fit(
        TRMMLTask(model),
        features,
        half_known(labels),
        recipe=recipe,
        progress=lambda _, step: losses.append(step["region"].item()),
    )
    assert sum(losses[-4:]) < 0.7 * sum(losses[:4])
    unseen = half_known(labels) == 0
    logits = predict_logits(model, features)
    present, absent = unseen & (labels == 1), unseen & (labels == -1)
    assert logits[present].mean() > logits[absent].mean()
    assert not model.training


def test_the_same_seed_gives_the_same_weights_to_the_last_bit() -> None:
    features, labels = separable()
    states = []
    for seed in (3, 3, 4):
        torch.rand(seed)  # whatever the global random state is
        model = model_of(seed=0)
        fit(
            TRMMLTask(model),
            features,
            half_known(labels),
            recipe=Recipe(**{**vars(SHORT), "seed": seed}),
        )
        states.append(model.state_dict())
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=0, atol=0, equal_nan=True)
    assert not torch.equal(states[2]["decoder.queries"], states[0]["decoder.queries"])


def test_training_leaves_the_global_random_state_alone() -> None:
    features, labels = separable()
    model = model_of()
    before = torch.get_rng_state()
    fit(TRMMLTask(model), features, labels, recipe=SHORT)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("first_stage_share", "expected"),
    [(0.5, [1, 1, 2, 2]), (0.25, [1, 2, 2, 2]), (0.0, [2, 2, 2, 2]), (1.0, [1, 1, 1, 1])],
)
def test_the_second_stage_begins_after_the_warm_up(
    first_stage_share: float, expected: list[int]
) -> None:
    features, labels = separable()
    config = TRMMLConfig(first_stage_share=first_stage_share)
    model, stages = TRMML(random_pair(), NAMES, config=config), {}

    def note(epoch: int, _: Losses) -> None:
        assert model.prototypes is not None
        stages[epoch] = model.prototypes.stage.item()

    fit(TRMMLTask(model), features, half_known(labels), recipe=SHORT, progress=note)
    assert list(stages.values()) == expected


def test_progress_is_told_of_every_step() -> None:
    features, labels = separable(20)
    epochs: list[int] = []
    recipe = Recipe(epochs=3, batch_size=8)
    fit(task_of(), features, labels, recipe=recipe, progress=lambda epoch, _: epochs.append(epoch))
    assert epochs == [0, 0, 0, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("warmup_share", [0.0, 0.2, 0.5, 0.99])
@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_schedules_of_any_length_run(epochs: int, warmup_share: float) -> None:
    features, labels = separable(4)
    model = model_of("carl")
    fit(TRMMLTask(model), features, labels, recipe=Recipe(epochs=epochs, warmup_share=warmup_share))
    assert all(value.isfinite().all() for value in model.parameters())


def test_regions_are_calibrated_first_unless_they_were() -> None:
    features, labels = separable()
    scales = []
    for calibrated in (False, True):
        model = model_of("carl")
        assert model.decoder is not None
        model.decoder.calibrated.fill_(calibrated)
        fit(TRMMLTask(model), features, labels, recipe=Recipe(epochs=1, batch_size=64, max_lr=1e-9))
        scales.append(model.decoder.scale.item())
    assert scales[0] != pytest.approx(40, rel=0.01)
    assert scales[1] == pytest.approx(40)


def test_images_with_features_that_are_not_finite_are_named() -> None:
    features, labels = separable(20)
    features.dense[3, 1, 2] = torch.nan
    features.dense[17, 0, 0] = torch.inf
    with pytest.raises(FloatingPointError, match=r"got nan or inf in 2 images: \[3, 17\]; look at"):
        fit(task_of(), features, labels, recipe=SHORT)


def test_a_loss_that_is_not_finite_stops_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = separable(20)
    model, steps = model_of("carl"), []
    loss: Callable[..., TRMMLLosses] = model.loss

    def breaking(*arguments: object, **named: object) -> TRMMLLosses:
        steps.append(1)
        losses = loss(*arguments, **named)
        return losses._replace(total=losses.total * (torch.nan if len(steps) == 5 else 1))

    monkeypatch.setattr(model, "loss", breaking)
    message = r"The loss must be finite, got nan in step 1 of epoch 1; lower `max_lr` or look at"
    with pytest.raises(FloatingPointError, match=message):
        fit(TRMMLTask(model), features, labels, recipe=Recipe(epochs=3, batch_size=8))
    assert all(value.isfinite().all() for value in model.parameters())


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.ones(19, 3), "`labels` must have 20 rows, got 19"),
        (torch.full((20, 3), 2), "must contain only -1 .* got also"),
        (torch.zeros(20, 3), "`labels` must have a known label, got none; nothing can be learnt"),
    ],
)
def test_labels_that_cannot_be_learnt_from_are_refused(labels: Tensor, message: str) -> None:
    features, _ = separable(20)
    with pytest.raises(ValueError, match=message):
        fit(task_of(), features, labels, recipe=SHORT)


def test_vectors_are_not_decayed_and_regions_learn_more_slowly() -> None:
    model = TRMML(random_pair(), NAMES, config=TRMMLConfig(decoder_lr_ratio=0.25))
    recipe = Recipe(max_lr=1.0, weight_decay=0.5)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    seen = {}
    for group in parameter_groups(TRMMLTask(model), recipe):
        parameters = group["params"]
        assert isinstance(parameters, list)
        for parameter in parameters:
            seen[names.pop(id(parameter))] = (group["lr"], group["weight_decay"])
    assert not names
    for name, (lr, decay) in seen.items():
        assert lr == (0.25 if name.startswith("decoder.") else 1.0), name
        flat = name.endswith(("bias", "log_temperature", "scale"))
        assert decay == (0.0 if flat else 0.5), name


def test_logits_come_in_the_order_of_the_images_whatever_the_batch() -> None:
    features, _ = separable(10)
    model = model_of().train()
    whole = predict_logits(model, features)
    assert model.training  # as it was
    assert not whole.requires_grad
    torch.testing.assert_close(predict_logits(model, features, batch_size=3), whole)
    torch.testing.assert_close(model.match(features.dense, GRID).logits.detach(), whole)


def test_completed_labels_are_the_models_own() -> None:
    features, labels = separable()
    known = half_known(labels)
    model = model_of()
    fit(TRMMLTask(model), features, known, recipe=SHORT)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    completed = complete_stored_labels(model, features, known, batch_size=7)
    assert torch.equal(completed, model.complete(model.match(features.dense, GRID), known))
    assert torch.equal(completed[known != 0], known[known != 0])
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0, equal_nan=True)


def test_single_positive_labels_can_be_learnt_from() -> None:
    features, labels = separable()
    first = (labels == 1).cumsum(dim=1) == 1
    known = torch.where(first & (labels == 1), 1, 0)
    model = TRMML(random_pair(), NAMES, config=TRMMLConfig(unknown_as_negative=True))
    fit(TRMMLTask(model), features, known, recipe=SHORT)
    assert model.prototypes is not None
    assert model.prototypes.labeler.negative_threshold.isfinite().all()
