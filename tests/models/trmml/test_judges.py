"""Labels completed before the first step, by two models that judge what the other has learnt."""

from dataclasses import replace

import pytest
import torch

from tests.random_clip import random_pair
from tests.training.small_run import NAMES, half_known, separable
from tests.training.stopped_run import assert_same_tensors, taken_up
from trmml.completion import ranked_labels
from trmml.completion.withheld_labels import standardised
from trmml.completion.withholding import withheld_cells
from trmml.encoders import EncoderPair
from trmml.labels import UNKNOWN
from trmml.models import TRMML, Batch, TRMMLConfig, TRMMLTask
from trmml.models.trmml.judges import JudgesTask, unseen_evidence
from trmml.modules import CalibratedPseudoLabeler
from trmml.training import FeatureSource, Recipe, Trainer

CONFIG = TRMMLConfig(completion="calibrated", present_precision=0.6, absent_precision=0.8)
RECIPE = Recipe(epochs=4, batch_size=64, max_lr=1e-2)
IMAGES = 300
FIRST = withheld_cells(torch.arange(IMAGES), len(NAMES), share=0.5, seed=1)


def task_of(config: TRMMLConfig = CONFIG, pair: EncoderPair | None = None) -> TRMMLTask:
    generator = torch.Generator().manual_seed(0)
    return TRMMLTask(TRMML(pair or random_pair(), NAMES, config=config, generator=generator))


def source_of(labels: torch.Tensor | None = None) -> FeatureSource:
    features, truth = separable(IMAGES)
    return FeatureSource(features, half_known(truth) if labels is None else labels)


def judged(labels: torch.Tensor) -> JudgesTask:
    """Train the judges alone, by the engine, as a forerunner."""
    trainer = Trainer(task_of(), source_of(labels), recipe=RECIPE)
    assert trainer.forerunner is not None
    trainer.forerunner.run()
    task = trainer.forerunner.task
    assert isinstance(task, JudgesTask)
    return task


def test_what_a_judge_is_to_judge_teaches_it_nothing() -> None:
    """Turning the labels of one half around changes the other judge alone."""
    _, truth = separable(IMAGES)
    known = half_known(truth)
    one = judged(known)
    two = judged(torch.where(FIRST, -known, known))
    for name, value in one.model.state_dict().items():
        torch.testing.assert_close(value, two.model.state_dict()[name], equal_nan=True)
    texts = [task.other.prompts()[0] for task in (one, two)]
    assert not torch.allclose(*texts)


def test_labels_are_completed_before_the_first_step_by_all_known_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task, surveys = task_of(), []
    take = task.take_survey
    monkeypatch.setattr(task, "take_survey", lambda *found: (surveys.append(found), take(*found)))
    source = source_of()
    trainer = Trainer(task, source, recipe=RECIPE)
    kept = task.completed
    assert kept is not None
    completed = []

    def note(trainer: Trainer, _: object) -> None:
        if not trainer.is_forerunner:
            completed.append(kept.labels.clone())

    trainer.run(after_step=note)
    assert len(completed) == RECIPE.epochs * trainer.steps_per_epoch
    assert all(torch.equal(one, completed[0]) for one in completed)
    ((found, _),) = surveys
    known = source.labels
    evidence = naive_unseen(found, known)
    torch.testing.assert_close(unseen_evidence(found.transpose(0, 1), known), evidence)
    labeler = CalibratedPseudoLabeler(len(NAMES), num_evidence=4).fit(evidence, known)
    expected = labeler(evidence, known, present=0.6, absent=0.8)
    assert torch.equal(completed[0], expected.to(torch.int8))
    assert ((known == UNKNOWN) & (expected != UNKNOWN)).sum() > 20


def naive_unseen(found: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Of each cell what the judge says that has not seen it; the mean where neither has."""
    images, kinds, classes = found.shape
    one, other = (standardised(part)[0] for part in found.transpose(0, 1).chunk(2))
    evidence = torch.zeros(kinds // 2, images, classes)
    for image in range(images):
        for column in range(classes):
            first, second = one[:, image, column], other[:, image, column]
            if known[image, column] == UNKNOWN:
                evidence[:, image, column] = (first + second) / 2
            else:
                evidence[:, image, column] = first if FIRST[image, column] else second
    return evidence


@pytest.fixture(scope="module", params=[None, 2], ids=["all classes", "some classes"])
def whole(request: pytest.FixtureRequest) -> tuple[TRMMLTask, Recipe]:
    recipe = replace(RECIPE, class_sample=request.param)
    task, steps = task_of(), list[int]()
    trainer = Trainer(task, source_of(), recipe=recipe)
    trainer.run(after_step=lambda trainer, _: steps.append(trainer.steps_done))
    assert steps == list(range(1, trainer.total_steps + 1))
    return task, recipe


# 5 steps an epoch: in the forerunner's last epoch, at its end, in the training after it.
@pytest.mark.slow
@pytest.mark.parametrize("stop", [9, 10, 27])
def test_a_stop_anywhere_changes_nothing(stop: int, whole: tuple[TRMMLTask, Recipe]) -> None:
    ended, recipe = whole
    state, second = taken_up(lambda: Trainer(task_of(), source_of(), recipe=recipe), stop)
    assert state.plain["forerunner"] is (stop <= 10)
    assert second.steps_done == stop
    second.run()
    assert_same_tensors(ended.state_dict(), second.task.state_dict())


def test_labels_are_completed_by_rank_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task, source = task_of(replace(CONFIG, completion="ranked", ranked_share=0.5)), source_of()
    take, surveys = task.take_survey, []
    monkeypatch.setattr(task, "take_survey", lambda *found: (surveys.append(found), take(*found)))
    Trainer(task, source, recipe=RECIPE).run()
    ((found, known),) = surveys
    kept, said = task.completed, task.completion(known)
    assert kept is not None
    assert said is not None
    evidence = unseen_evidence(found.transpose(0, 1), known)
    assert torch.equal(kept.labels.long(), ranked_labels(evidence, known, share=0.5))
    assert bool((kept.labels != known).any())
    assert said.present is None  # nothing is promised
    assert said.absent is None
    assert said.reasons == ()


def test_nothing_is_added_by_rank_where_evidence_tells_nothing() -> None:
    task, known = task_of(replace(CONFIG, completion="ranked")), source_of().labels
    noise = torch.randn(IMAGES, 8, len(NAMES), generator=torch.Generator().manual_seed(3))
    task.take_survey(noise, known)
    said = task.completion(known)
    assert said is not None
    assert torch.equal(said.labels.long(), known)
    (reason,) = said.reasons
    assert "not surely better than chance" in reason


def test_the_judges_share_the_frozen_towers_and_leave_the_model_alone() -> None:
    pair = random_pair()
    task = task_of(pair=pair)
    before = {name: value.clone() for name, value in task.state_dict().items()}
    first = task.forerunner(epochs=9)
    assert first is not None
    assert first.epochs == 4  # half of 9, rounded to even
    judges = first.task
    assert isinstance(judges, JudgesTask)
    for judge in (judges.model, judges.other):
        assert judge.encoders.image is pair.image
        assert judge.encoders.text is pair.text
    Trainer(judges, source_of(), recipe=RECIPE).run()
    for name, value in before.items():
        torch.testing.assert_close(value, task.state_dict()[name], equal_nan=True)


def test_a_projection_that_learns_is_each_judge_s_own() -> None:
    pytest.importorskip("timm")
    from trmml.encoders import TimmImageEncoder

    text = random_pair().text
    image = TimmImageEncoder("resnet18", dim=text.dim, pretrained=False)
    pair = random_pair()._replace(image=image, text=text)
    judges = JudgesTask(task_of(pair=pair).model).train()
    images, labels = torch.randn(2, 3, 64, 64), torch.tensor([[1, -1, 1, -1]] * 2)[:, : len(NAMES)]
    judges(Batch(images, labels, rows=torch.arange(2)))["total"].backward()
    projections = [image.projection.weight]
    for judge in (judges.model, judges.other):
        tower = judge.encoders.image
        assert isinstance(tower, TimmImageEncoder)
        assert tower.backbone is image.backbone
        assert judge.image_encoder is tower
        projections.append(tower.projection.weight)
    grads = [projection.grad for projection in projections]
    assert grads[0] is None
    assert grads[1] is not None
    assert grads[2] is not None


@pytest.mark.parametrize("asked", ["forward", "look"])
def test_a_shared_tower_sees_an_image_once(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    judges = JudgesTask(task_of().model).train()
    seen, encode = [], judges.model.image_encoder.encode_dense

    def counted(images: torch.Tensor) -> tuple[torch.Tensor, tuple[int, int]]:
        seen.append(len(images))
        return encode(images)

    monkeypatch.setattr(judges.model.image_encoder, "encode_dense", counted)
    labels = torch.tensor([[1, -1, 1]] * 2)
    getattr(judges, asked)(Batch(torch.randn(2, 3, 64, 64), labels, rows=torch.arange(2)))
    assert seen == [2]


def test_batches_have_to_say_which_images_they_are() -> None:
    features, labels = separable(4)
    with pytest.raises(ValueError, match=r"`batch.rows` must say which images these are"):
        JudgesTask(task_of().model).train()(Batch(features.dense, labels, features.grid))
