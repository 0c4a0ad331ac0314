"""Labels completed once, at a precision that withheld labels promise, inside TRM-ML's training."""

from dataclasses import replace

import pytest
import torch

from tests.random_clip import random_pair
from tests.training.small_run import NAMES, half_known, separable
from tests.training.stopped_run import assert_same_tensors, taken_up
from trmml.completion.withholding import withheld_cells
from trmml.models import TRMML, Batch, TRMMLConfig, TRMMLTask
from trmml.modules import CalibratedPseudoLabeler
from trmml.training import FeatureSource, Recipe, Trainer

CONFIG = TRMMLConfig(
    completion="calibrated",
    judged_by="itself",
    first_stage_share=0.5,
    present_precision=0.6,
    absent_precision=0.8,
)
RECIPE = Recipe(epochs=4, batch_size=64, max_lr=1e-2)
IMAGES = 600


def task_of(config: TRMMLConfig = CONFIG) -> TRMMLTask:
    generator = torch.Generator().manual_seed(0)
    return TRMMLTask(TRMML(random_pair(), NAMES, config=config, generator=generator))


def trainer_of(task: TRMMLTask, recipe: Recipe = RECIPE) -> Trainer:
    features, labels = separable(IMAGES)
    return Trainer(task, FeatureSource(features, half_known(labels)), recipe=recipe)


def test_cells_are_withheld_at_random_and_wherever_they_are_asked_for() -> None:
    every = withheld_cells(torch.arange(4000), 10, share=0.25, seed=3)
    assert every.double().mean(0).tolist() == pytest.approx([0.25] * 10, abs=0.03)
    # Neither rows nor classes nor seeds say anything of each other.
    beside = torch.stack([every[1:, 0], every[:-1, 0], every[1:, 1]]).double()
    other = withheld_cells(torch.arange(1, 4000), 10, share=0.25, seed=4)[:, 0].double()
    related = torch.corrcoef(torch.cat([beside, other[None]])) - torch.eye(4)
    assert related.abs().max() < 0.06
    rows = torch.tensor([7, 3999, 7])
    assert torch.equal(withheld_cells(rows, 10, share=0.25, seed=3), every[rows])
    assert not withheld_cells(rows, 10, share=0.0, seed=3).any()
    assert withheld_cells(rows, 10, share=1.0, seed=3).all()


def reference_mix(value: int) -> int:
    """splitmix64's finaliser, on numbers without a sign."""
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**62])
def test_the_numbers_are_those_of_splitmix64(seed: int) -> None:
    rows = torch.tensor([0, 1, 12345, 2**40])
    found = withheld_cells(rows, 3, share=0.5, seed=seed)
    for row, cells in zip(rows.tolist(), found.tolist(), strict=True):
        for column, cell in enumerate(cells):
            start = (row * 3 + column + 0x9E3779B97F4A7C15 * (seed + 1)) % 2**64
            assert cell == ((reference_mix(start) >> 40) / 2**24 < 0.5)


def test_withheld_labels_teach_nothing_in_the_first_stage() -> None:
    """Two runs whose withheld labels are each other's opposite end the first stage alike."""
    features, labels = separable(IMAGES)
    known = half_known(labels)
    withheld = withheld_cells(torch.arange(IMAGES), len(NAMES), share=0.25, seed=0)
    states = []
    for given in (known, torch.where(withheld, -known, known)):
        task = task_of()
        trainer = Trainer(task, FeatureSource(features, given), recipe=RECIPE)

        def stop(trainer: Trainer) -> None:
            if trainer.position.epoch == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            trainer.run(after_epoch=stop)
        states.append(task.state_dict())
    assert_same_tensors(*states)


def test_labels_are_completed_once_and_known_ones_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task, surveys = task_of(), []
    take = task.take_survey
    monkeypatch.setattr(task, "take_survey", lambda *found: (surveys.append(found), take(*found)))
    trainer = trainer_of(task)
    completed: list[torch.Tensor] = []
    kept = task.completed
    assert kept is not None
    trainer.run(after_epoch=lambda _: completed.append(kept.labels.clone()))
    assert [len(one) for one in completed] == [0, 0, IMAGES, IMAGES]
    assert torch.equal(completed[2], completed[3])
    _, labels = separable(IMAGES)
    known = half_known(labels)
    assert torch.equal(completed[3][known != 0], known[known != 0].to(torch.int8))
    added = (known == 0) & (completed[3] != 0)
    assert added.sum() > 50
    # What was added is what the labeler adds, fitted to nothing but the withheld labels.
    ((found, _),) = surveys
    evidence = found.transpose(0, 1)
    withheld = withheld_cells(torch.arange(IMAGES), len(NAMES), share=0.25, seed=0)
    labeler = CalibratedPseudoLabeler(len(NAMES), num_evidence=4)
    labeler.fit(evidence, known.masked_fill(~withheld, 0))
    expected = labeler(evidence, known, present=0.6, absent=0.8)
    assert torch.equal(completed[3], expected.to(torch.int8))
    facts = trainer.history.records[-1]["completed"]
    assert facts == {
        "positive": int((completed[3] > 0).sum()),
        "negative": int((completed[3] < 0).sum()),
    }


@pytest.mark.slow
@pytest.mark.parametrize(("stop", "class_sample"), [(20, None), (25, 2)])
def test_a_stop_anywhere_changes_nothing(stop: int, class_sample: int | None) -> None:
    recipe = replace(RECIPE, class_sample=class_sample)
    whole = task_of()
    trainer_of(whole, recipe).run()
    _, second = taken_up(lambda: trainer_of(task_of(), recipe), stop)
    second.run()
    assert_same_tensors(whole.state_dict(), second.task.state_dict())


def test_a_class_without_prototypes_still_has_evidence() -> None:
    task = task_of()
    features, labels = separable(IMAGES)
    known = half_known(labels)
    known[known[:, 1] > 0, 1] = 0  # no positive of one class is known
    Trainer(task, FeatureSource(features, known), recipe=RECIPE).run()
    assert task.completed is not None
    assert len(task.completed) == IMAGES
    # Without a positive, nobody can say how often the class is there: none is added.
    assert (task.completed.labels[:, 1] <= 0).all()


def test_added_labels_count_as_little_as_is_asked_for() -> None:
    """With no weight the losses are those of the known labels; halfway they are halfway."""
    features, labels = separable(8)
    known = half_known(labels)
    losses = []
    for weight in (0.0, 0.5, 1.0):
        model = task_of(replace(CONFIG, completed_weight=weight)).model.train()
        output = model.match(features.dense, features.grid)
        losses.append(model.loss(output, known, completed=labels))
    model = task_of().model.train()
    alone = model.loss(model.match(features.dense, features.grid), known, completed=known)
    torch.testing.assert_close(losses[0].region, alone.region)
    torch.testing.assert_close(losses[1].region, (losses[0].region + losses[2].region) / 2)
    torch.testing.assert_close(losses[1].query, (losses[0].query + losses[2].query) / 2)
    assert losses[2].region != losses[0].region


def test_nothing_is_completed_where_that_is_asked_for() -> None:
    task = task_of(TRMMLConfig(completion="none", first_stage_share=0.0))
    assert task.completed is None
    trainer_of(task, replace(RECIPE, epochs=1)).run()
    features, labels = separable(IMAGES)
    output = task.model.eval().match(features.dense, features.grid)
    assert torch.equal(task.model.complete(output, half_known(labels)), half_known(labels))
    assert not task.model.completes_labels


def test_a_trained_model_promises_nothing_until_it_is_shown_labels_it_never_saw(tmp_path) -> None:
    """What was learnt halfway is too sure of a model that has since learnt the withheld labels."""
    task = task_of()
    trainer_of(task).run()
    features, labels = separable(IMAGES)
    model = task.model.eval()
    output = model.match(features.dense, features.grid)
    assert not model.completes_labels
    assert torch.equal(model.complete(output, half_known(labels)), half_known(labels))
    unseen = labels.masked_fill(half_known(labels) != 0, 0)
    assert model.labeler is not None
    model.labeler.fit(model.evidence(output), unseen)
    found = model.complete(output, half_known(labels))
    assert model.completes_labels
    assert (found != half_known(labels)).any()
    model.save_pretrained(tmp_path, training_state=True)
    again = TRMML.from_pretrained(tmp_path, encoders=model.encoders)
    assert torch.equal(again.complete(output, half_known(labels)), found)


def test_batches_have_to_say_which_images_they_are() -> None:
    features, labels = separable(4)
    with pytest.raises(ValueError, match=r"`batch.rows` must say which images these are"):
        task_of().train()(Batch(features.dense, labels, features.grid))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"withheld_share": 0.0}, r"`withheld_share` must be in \(0, 1\), got 0.0"),
        ({"judges_share": 0.0}, r"`judges_share` must be above 0, got 0.0"),
        ({"withheld_share": 1.0}, r"`withheld_share` must be in \(0, 1\), got 1.0"),
        ({"present_precision": 1.0}, r"`present_precision` must be in \(0, 1\) or None, got 1.0"),
        ({"absent_precision": 0.0}, r"`absent_precision` must be in \(0, 1\) or None, got 0.0"),
        ({"completed_weight": 1.5}, r"`completed_weight` must be in \[0, 1\], got 1.5"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **changes)
