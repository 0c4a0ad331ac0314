import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MethodType
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.random_clip import random_pair
from tests.training.small_run import NAMES, SHORT, half_known, separable, task_of
from tests.training.stopped_run import assert_same_tensors, stop_after, taken_up
from trmml.models import ABLATIONS, TRMML, Batch, TRMMLConfig, TRMMLTask
from trmml.training import CheckpointStore, FeatureSource, Recipe, Trainer


def trainer_of(recipe: Recipe = SHORT, **options: Any) -> Trainer:  # noqa: ANN401
    features, labels = separable()
    source = FeatureSource(features, half_known(labels))
    return Trainer(task_of(), source, recipe=recipe, **options)


def assert_same(one: Trainer, other: Trainer) -> None:
    mine, theirs = one.state(), other.state()
    assert_same_tensors(mine.tensors, theirs.tensors)
    assert json.loads(json.dumps(mine.plain)) == json.loads(json.dumps(theirs.plain))


VARIANTS = {
    "plain": SHORT,
    "averaged": replace(SHORT, ema_decay=0.9),
    "cosine, in parts": replace(SHORT, schedule="cosine", gradient_accumulation_steps=3),
    "bf16": replace(SHORT, mixed_precision="bf16"),
}


@cache
def undisturbed(variant: str) -> Trainer:
    trainer = trainer_of(VARIANTS[variant])
    trainer.run()
    return trainer


@pytest.mark.parametrize("stop", [4, 7])
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_resumed_run_ends_in_the_same_state_to_the_last_bit(
    tmp_path: Path, variant: str, stop: int
) -> None:
    recipe = VARIANTS[variant]
    whole = undisturbed(variant)
    first = trainer_of(recipe)
    with pytest.raises(KeyboardInterrupt):
        first.run(after_step=stop_after(stop))
    store = CheckpointStore(tmp_path)
    store.save(first.state(), step=stop)
    torch.rand(stop)  # whatever happened in between

    second = trainer_of(recipe)
    state = store.load()
    assert state is not None
    second.load(state)
    second.run()
    assert_same(whole, second)


def test_prototypes_are_drawn_as_if_training_had_never_stopped() -> None:
    features, labels = separable()
    config = TRMMLConfig(contrastive_sample=5)

    def drawing() -> Trainer:
        model = TRMML(random_pair(), NAMES, config=config)
        return Trainer(TRMMLTask(model), FeatureSource(features, half_known(labels)), recipe=SHORT)

    torch.manual_seed(0)
    whole = drawing()
    torch.manual_seed(0)
    _, second = taken_up(drawing, 7)
    whole.run()
    second.run()
    assert_same(whole, second)
    assert whole.task.model.get_buffer("contrastive_loss.draws") == whole.total_steps


def test_a_state_of_other_settings_is_refused_by_name(tmp_path: Path) -> None:
    state = trainer_of().state()
    with pytest.raises(ValueError, match=r"`recipe.max_lr` was 0.01, is 0.02"):
        trainer_of(replace(SHORT, max_lr=2e-2)).load(state)
    features, labels = separable()
    source = FeatureSource(features, half_known(labels))
    others = {
        "class_names": TRMML(random_pair(), ["tree", "boat", "bus"]),
        "encoder": TRMML(random_pair(1), NAMES),
        "model.energy": TRMML(random_pair(), NAMES, config=TRMMLConfig(energy="dot")),
    }
    for name, model in others.items():
        with pytest.raises(ValueError, match=f"of another training: `.*{name}"):
            Trainer(TRMMLTask(model), source, recipe=SHORT).load(state)
    with pytest.raises(ValueError, match="`labels`"):
        Trainer(task_of(), FeatureSource(features, labels), recipe=SHORT).load(state)


class Poisoned(FeatureSource):
    """Gives features that are not finite in one epoch, for one image."""

    def batches(self, parts: Sequence[Tensor], *, epoch: int) -> Iterator[Batch]:
        for rows, batch in zip(parts, super().batches(parts, epoch=epoch), strict=True):
            spoilt = (rows == 7)[:, None, None] & (epoch == 2)
            yield batch._replace(inputs=batch.inputs.masked_fill(spoilt, torch.nan))


def test_a_loss_that_is_not_finite_ends_training_before_it_spoils_the_weights() -> None:
    features, labels = separable()
    trainer = Trainer(task_of(), Poisoned(features, half_known(labels)), recipe=SHORT)
    with pytest.raises(FloatingPointError, match=r"in step . of epoch 2; .* look at these images"):
        trainer.run()
    assert trainer.position.epoch == 2
    for name, value in trainer.task.model.named_parameters():
        assert value.isfinite().all(), name
    # Nor do prototypes and thresholds remember the image.
    prototypes = trainer.task.model.get_submodule("prototypes")
    assert prototypes.get_buffer("bank.counts").any()
    for name, value in prototypes.named_buffers():
        assert value.isfinite().all(), name


def test_weights_that_are_not_finite_are_not_kept() -> None:
    features, labels = separable()
    trainer = Trainer(task_of(), FeatureSource(features, labels), recipe=SHORT)
    trainer.check_finite()
    with torch.no_grad():
        next(trainer.task.parameters()).view(-1)[0] = torch.inf
    with pytest.raises(FloatingPointError, match="weights must be finite, got nan or infinity in"):
        trainer.check_finite()


def test_fewer_images_than_a_batch_make_one_step_an_epoch() -> None:
    features, labels = separable(5)
    trainer = Trainer(task_of(), FeatureSource(features, labels), recipe=SHORT)
    steps = []
    trainer.run(after_step=lambda trainer, _: steps.append(trainer.position))
    assert steps == [(epoch, 1) for epoch in range(4)]


def test_a_class_without_positives_and_one_without_labels_disturb_nobody() -> None:
    features, labels = separable()
    labels[:, 0] = labels[:, 0].clamp(max=0)
    labels[:, 1] = 0
    trainer = Trainer(task_of(), FeatureSource(features, labels), recipe=SHORT)
    trainer.run()
    for name, value in trainer.task.model.named_parameters():
        assert value.isfinite().all(), name


def test_training_in_parts_follows_the_whole_step() -> None:
    """All but the contrast and the bank, which see one part at a time, is the same."""
    config = replace(ABLATIONS["carl+kd"])
    features, labels = separable()
    source = FeatureSource(features, half_known(labels))
    ends = []
    for accumulation in (1, 3):
        model = TRMML(random_pair(), NAMES, config=config, generator=generator())
        recipe = replace(SHORT, gradient_accumulation_steps=accumulation, max_lr=1e-3)
        trainer = Trainer(TRMMLTask(model), source, recipe=recipe)
        trainer.run()
        ends.append(trainer)
    for name, value in ends[0].task.model.state_dict().items():
        torch.testing.assert_close(
            ends[1].task.model.state_dict()[name], value, rtol=1e-3, atol=1e-4
        )
    one, three = (end.history.records[-1]["losses"] for end in ends)
    assert one == pytest.approx(three, rel=1e-3, abs=1e-5)


def test_patience_ends_training_and_a_finished_run_stays_finished() -> None:
    scores = iter([0.3, 0.5, 0.4, 0.45, 0.1, 0.2])
    recipe = replace(SHORT, epochs=6, patience=2)
    trainer = trainer_of(recipe, validate=lambda _: {"map": next(scores)})
    trainer.run()
    assert [record["validation"]["map"] for record in trainer.history.records] == [
        0.3, 0.5, 0.4, 0.45,
    ]  # fmt: skip
    trainer.run()
    assert len(trainer.history.records) == 4


def test_the_averaged_weights_are_those_judged(no_shape_checks: None) -> None:
    seen = []

    def validate(model: TRMML) -> dict[str, float]:
        assert not model.training
        seen.append(model.log_temperature.item())
        return {"map": 0.5}

    trainer = trainer_of(replace(SHORT, ema_decay=0.5), validate=validate)
    trainer.run()
    assert trainer.average is not None
    assert seen[-1] == trainer.average.weights["log_temperature"].item()
    assert seen[-1] != trainer.task.model.get_parameter("log_temperature").item()


def test_fp16_without_a_gpu_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a GPU"):
        trainer_of(replace(SHORT, mixed_precision="fp16"))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_a_compiled_step_trains_as_a_plain_one(
    monkeypatch: pytest.MonkeyPatch, no_shape_checks: None
) -> None:
    compiled = []

    def compile_eagerly(function: MethodType) -> Callable[..., Any]:
        compiled.append(function.__self__)
        return compiler(function, fullgraph=True, backend="eager")

    compiler = torch.compile
    monkeypatch.setattr(torch, "compile", compile_eagerly)
    plain, other = trainer_of(), trainer_of(replace(SHORT, compile=True))
    for trainer in (plain, other):
        trainer.run()
    assert compiled == [other.task]
    for name, value in plain.task.model.state_dict().items():
        torch.testing.assert_close(other.task.model.state_dict()[name], value, equal_nan=True)
