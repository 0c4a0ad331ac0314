"""A task tells what its losses took for the labels of each image, and keeps it with its state."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.random_clip import random_pair
from tests.training.small_run import NAMES, half_known, separable
from trmml.completion.added_labels import Completion
from trmml.models import ABLATIONS, TRMML, Batch, TRMMLConfig, TRMMLTask
from trmml.models.completed_labels import CompletedLabels
from trmml.training import FeatureSource, Recipe, Trainer

IMAGES = 80
RECIPE = Recipe(epochs=4, batch_size=32, max_lr=1e-2)
PAPER = replace(ABLATIONS["all"], first_stage_share=0.5)


def trained(
    config: TRMMLConfig, recipe: Recipe = RECIPE, *, images: int = IMAGES
) -> tuple[TRMMLTask, torch.Tensor, list[Completion | None]]:
    """Train, and return the task, the known labels, and what it told after each epoch."""
    generator = torch.Generator().manual_seed(0)
    task = TRMMLTask(TRMML(random_pair(), NAMES, config=config, generator=generator))
    features, labels = separable(images)
    known, told = half_known(labels), []
    trainer = Trainer(task, FeatureSource(features, known), recipe=recipe)
    trainer.run(after_epoch=lambda trainer: told.append(trainer.task.completion(known)))
    return task, known, told


@pytest.mark.parametrize("class_sample", [None, 2])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_what_is_told_is_what_the_losses_saw(
    monkeypatch: pytest.MonkeyPatch, class_sample: int | None, accumulation: int
) -> None:
    seen: dict[int, torch.Tensor] = {}
    forward = TRMMLTask.forward

    def watched(task: TRMMLTask, batch: Batch) -> dict[str, Any]:
        given = []
        hook = task.model.classification_loss.register_forward_hook(
            lambda _, inputs, __: given.append(inputs[1])
        )
        losses = forward(task, batch)
        hook.remove()
        labels = batch.labels.clone()
        columns = slice(None) if batch.classes is None else batch.classes
        labels[:, columns] = given[0]
        assert batch.rows is not None
        seen.update(zip(batch.rows.tolist(), labels, strict=True))
        return losses

    monkeypatch.setattr(TRMMLTask, "forward", watched)
    recipe = replace(RECIPE, class_sample=class_sample, gradient_accumulation_steps=accumulation)
    _, known, told = trained(PAPER, recipe)
    last = told[-1]
    assert last is not None
    assert torch.equal(last.labels, torch.stack([seen[row] for row in range(IMAGES)]))
    assert (last.labels != known).any()
    assert (last.probabilities, last.present, last.absent, last.reasons) == (None, None, None, ())


def test_in_the_first_stage_known_labels_are_told_alone() -> None:
    for config in (PAPER, replace(PAPER, completion="calibrated", judged_by="itself")):
        _, known, told = trained(config)
        for completion in told[:2]:
            assert completion is not None
            assert torch.equal(completion.labels, known)


def test_a_calibrated_completion_tells_what_it_promised() -> None:
    asked = {"present_precision": 0.6, "absent_precision": 0.8}
    config = replace(PAPER, completion="calibrated", **asked)
    task, known, told = trained(config, images=600)
    last = told[-1]
    assert task.completed is not None
    assert last is not None
    assert last.probabilities is not None
    assert (last.present, last.absent) == (0.6, 0.8)
    assert torch.equal(last.labels, torch.where(known == 0, task.completed.labels, known))
    added = (known == 0) & (last.labels == 1)
    assert bool(added.any())
    assert last.probabilities[added].min() > 0.5
    _, _, told = trained(replace(PAPER, completion="calibrated", present_precision=0.9999))
    assert told[-1] is not None
    assert any("No positives are added" in reason for reason in told[-1].reasons)


@pytest.mark.parametrize("config", [ABLATIONS["carl+kd"], replace(PAPER, completion="none")])
def test_a_method_that_adds_nothing_tells_nothing(config: TRMMLConfig) -> None:
    _, _, told = trained(config, replace(RECIPE, epochs=1))
    assert told == [None]


def test_states_that_were_saved_before_anything_was_noted_are_taken() -> None:
    kept = CompletedLabels(2)
    kept.note(torch.tensor([2, 0]), torch.tensor([[1, -1], [0, 1]]))
    assert kept.labels.tolist() == [[0, 1], [0, 0], [1, -1]]
    again = CompletedLabels(2)
    again.load_state_dict({})
    assert len(again) == 0
    again.load_state_dict(kept.state_dict())
    assert torch.equal(again.labels, kept.labels)
    kept.hold(kept.labels, torch.rand(3, 2))
    again.load_state_dict(kept.state_dict())
    assert torch.equal(again.probabilities, kept.probabilities)
