"""What the engine and the methods give a loss that remembers images."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.losses.every_loss import REMEMBERING
from tests.random_clip import random_pair
from tests.training.small_run import GRID, NAMES, SHORT, half_known, separable
from tests.training.stopped_run import assert_same_tensors, stop_after, taken_up
from trmml.losses import AssumeNegativeLoss, ROLELoss
from trmml.models import METHODS, TRMML, Batch, LossConfig, Task, TRMMLConfig, TRMMLTask
from trmml.models.trmml.judges import first_half
from trmml.training import FeatureSource, Trainer


class Diary(AssumeNegativeLoss):
    """Writes down what it is told."""

    needs_rows = True

    def __init__(self) -> None:
        super().__init__()
        self.known: list[Tensor] = []
        self.calls: list[Tensor] = []
        self.steps: list[tuple[Tensor, Tensor, Tensor]] = []

    def begin_training(self, labels: Tensor) -> None:
        self.known.append(labels)

    def forward(self, logits: Tensor, labels: Tensor, *, rows: Tensor | None = None) -> Tensor:
        assert rows is not None
        self.calls.append(rows)
        return super().forward(logits, labels)

    def end_step(self, logits: Tensor, labels: Tensor, rows: Tensor) -> None:
        self.steps.append((logits, labels, rows))


def with_diaries(task: Task) -> Task:
    task.loss = Diary()
    if isinstance(task, TRMMLTask):
        task.model.hold("classification_loss", task.loss)
    return task


def diary_of(task: Task) -> Diary:
    (found,) = (part for part in task.modules() if isinstance(part, Diary))
    return found


def task_of(method: str) -> Task:
    kind = METHODS[method]
    generator = torch.Generator().manual_seed(0)
    return with_diaries(
        kind.build(
            random_pair(), NAMES, config=kind.Model.Config(), image_size=64, generator=generator
        )
    )


@pytest.mark.parametrize("method", METHODS)
def test_every_method_tells_it_of_all_labels_first_and_of_each_step(method: str) -> None:
    features, labels = separable()
    source = FeatureSource(features, half_known(labels))
    recipe = replace(SHORT, epochs=1, batch_size=24, gradient_accumulation_steps=2)
    trainer = Trainer(task_of(method), source, recipe=recipe)
    diary = diary_of(trainer.task)
    assert torch.equal(diary.known[0], source.labels)
    trainer.run()
    assert len(diary.known) == 1
    # Three steps of two parts each; every image once.
    assert [len(rows) for *_, rows in diary.steps] == [12, 12, 12, 12, 8, 8]
    told = torch.cat([rows for *_, rows in diary.steps])
    assert torch.equal(told.sort().values, torch.arange(64))
    assert {*torch.cat(diary.calls).tolist()} == {*told.tolist()}
    for logits, seen, rows in diary.steps:
        assert logits.shape == seen.shape == (len(rows), len(NAMES))
        assert not logits.requires_grad
        known = source.labels[rows] != 0
        assert torch.equal(seen[known], source.labels[rows][known])


@pytest.mark.parametrize("method", METHODS)
def test_without_rows_nothing_is_encoded(method: str) -> None:
    task = task_of(method).train()
    task.model.match = None  # pyright: ignore
    with pytest.raises(ValueError, match=r"`rows` must say .* with Diary, .* got None; the engine"):
        task(Batch(torch.zeros(2, GRID[0] * GRID[1], 16), torch.ones(2, 3), GRID))


def test_a_step_that_is_not_taken_is_forgotten() -> None:
    features, labels = separable(4)
    task = task_of("dualcoop").train()
    batch = Batch(features.dense, labels, GRID, rows=torch.arange(4))
    task(batch)
    task.end_step(taken=False)
    task.end_step(taken=True)
    assert not diary_of(task).steps
    task(batch)
    task.end_step(taken=True)
    assert len(diary_of(task).steps) == 1
    task.eval()(batch)
    task.end_step(taken=True)
    assert len(diary_of(task).steps) == 1


def remembering(name: str, method: str) -> Trainer:
    features, labels = separable()
    kind = METHODS[method]
    config = kind.Model.Config(loss=LossConfig(name, REMEMBERING[name]))
    generator = torch.Generator().manual_seed(0)
    task = kind.build(random_pair(), NAMES, config=config, image_size=64, generator=generator)
    recipe = replace(SHORT, gradient_accumulation_steps=2, ema_decay=0.9)
    return Trainer(task, FeatureSource(features, half_known(labels)), recipe=recipe)


def memories(trainer: Trainer) -> dict[str, Tensor]:
    """Return what losses keep of all 64 images."""
    tensors = trainer.state().tensors
    return {
        name: value
        for name, value in tensors.items()
        if name.startswith("task.loss.") and value.shape == (64, len(NAMES))
    }


@pytest.mark.parametrize(
    ("name", "method"), [*((name, "trmml") for name in REMEMBERING), ("role", "dualcoop")]
)
def test_a_training_stopped_within_an_epoch_remembers_the_same_to_the_last_bit(
    name: str, method: str
) -> None:
    whole = remembering(name, method)
    start = {key: value.clone() for key, value in memories(whole).items()}
    whole.run()
    assert start
    assert all(not torch.equal(value, start[key]) for key, value in memories(whole).items())
    _, second = taken_up(lambda: remembering(name, method), 10)
    second.run()
    assert_same_tensors(whole.state().tensors, second.state().tensors)


def judged(name: str, known: Tensor) -> Trainer:
    features, _ = separable()
    config = TRMMLConfig(completion="calibrated", loss=LossConfig(name, REMEMBERING[name]))
    generator = torch.Generator().manual_seed(0)
    model = TRMML(random_pair(), NAMES, config=config, generator=generator)
    return Trainer(TRMMLTask(model), FeatureSource(features, known), recipe=SHORT)


@pytest.mark.parametrize("stop", [3, 9])  # while the judges learn, and after
@pytest.mark.parametrize("name", ["large-loss", "role"])
def test_judges_remember_apart_and_resume_to_the_last_bit(name: str, stop: int) -> None:
    _, labels = separable()
    known = half_known(labels)
    whole = judged(name, known)
    whole.run()
    _, second = taken_up(lambda: judged(name, known), stop)
    second.run()
    assert_same_tensors(whole.state().tensors, second.state().tensors)


@pytest.mark.parametrize("name", REMEMBERING)
def test_a_judge_says_the_same_whatever_the_half_that_it_does_not_see(name: str) -> None:
    _, labels = separable()
    known = half_known(labels)
    hidden = first_half(torch.arange(64), len(NAMES))
    found = []
    for others in (known, torch.where(hidden, -known, known)):
        trainer = judged(name, others)
        assert trainer.forerunner is not None
        trainer.forerunner.run()
        kinds = trainer.forerunner.survey().shape[1] // 2
        found.append(trainer.forerunner.survey()[:, :kinds])  # the first does not see the hidden
    assert torch.equal(*found)


@pytest.mark.parametrize("name", REMEMBERING)
def test_what_is_remembered_is_not_the_models(name: str, tmp_path: Path) -> None:
    trainer = remembering(name, "trmml")
    trainer.run()
    assert memories(trainer)
    assert trainer.average is not None
    state, averaged = trainer.task.model.state_dict(), trainer.average.weights
    assert all(64 not in value.shape for value in [*state.values(), *averaged.values()])
    model = trainer.task.model
    model.save_pretrained(tmp_path, training_state=True)
    again = TRMML.from_pretrained(tmp_path, encoders=random_pair())
    images = torch.zeros(2, 3, 64, 64)
    assert torch.equal(again.predict(images), model.predict(images))


@pytest.mark.parametrize("method", METHODS)
def test_what_a_loss_learns_is_apart_from_the_model(method: str) -> None:
    trainer = remembering("role", method)
    (estimates,) = (part for part in trainer.task.modules() if isinstance(part, ROLELoss))
    of_its_own = [
        group
        for group in trainer.optimizer.param_groups
        if any(value is estimates.estimates for value in group["params"])
    ]
    assert [len(group["params"]) for group in of_its_own] == [1]
    assert of_its_own[0]["weight_decay"] == 0
    assert of_its_own[0]["max_lr"] == 10 * SHORT.max_lr
    together = [id(one) for group in trainer.task.clipped_together() for one in group]
    grouped = [id(one) for group in trainer.optimizer.param_groups for one in group["params"]]
    assert sorted(grouped) == sorted(id(one) for one in trainer.task.parameters())
    assert sorted([*together, id(estimates.estimates)]) == sorted(grouped)


def test_nobody_who_judges_labels_is_told_of_them() -> None:
    features, labels = separable()
    known = half_known(labels)
    config = TRMMLConfig(completion="calibrated", judged_by="halves")
    task = TRMMLTask(TRMML(random_pair(), NAMES, config=config))
    with_diaries(task)
    trainer = Trainer(task, FeatureSource(features, known), recipe=replace(SHORT, epochs=2))
    assert torch.equal(diary_of(trainer.task).known[-1], known)
    assert trainer.forerunner is not None
    judges = trainer.forerunner.task
    first = first_half(torch.arange(64), len(NAMES))
    both = [part for part in judges.modules() if isinstance(part, Diary)]
    for diary, hidden in zip(both, (first, ~first), strict=True):
        assert torch.equal(diary.known[-1], known.masked_fill(hidden, 0))
    trainer.forerunner.run()
    for diary, hidden in zip(both, (first, ~first), strict=True):
        for _, seen, rows in diary.steps:
            assert torch.equal(seen, known.masked_fill(hidden, 0)[rows])


def test_a_model_that_judges_itself_is_not_told_what_it_withholds() -> None:
    features, labels = separable()
    known = half_known(labels)
    config = TRMMLConfig(completion="calibrated", judged_by="itself")
    task = with_diaries(TRMMLTask(TRMML(random_pair(), NAMES, config=config)))
    trainer = Trainer(task, FeatureSource(features, known), recipe=SHORT)
    with pytest.raises(KeyboardInterrupt):
        trainer.run(after_step=stop_after(4))  # before the second stage gives them back
    diary = diary_of(task)
    (told,) = diary.known
    hidden = (told == 0) & (known != 0)
    assert 0 < hidden.sum() < (known != 0).sum()
    for _, seen, rows in diary.steps:
        assert seen[hidden[rows]].eq(0).all()
