"""What every method of the table keeps to; a new one is held to it by being in the table."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.random_clip import random_pair
from tests.training.small_run import GRID, NAMES, SHORT, half_known, separable
from tests.training.stopped_run import assert_same_tensors, stop_after
from trmml.models import METHODS, Batch, Task
from trmml.sharing import DeployableModel
from trmml.training import CheckpointStore, FeatureSource, Trainer, predict_logits

pytestmark = pytest.mark.parametrize("method", METHODS)

EPOCHS = {"positivecoop": 60}  # after 20 its loss is two thirds of the first, and the order chance
IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def task_of(method: str, *, seed: int = 0) -> Task:
    kind = METHODS[method]
    generator = torch.Generator().manual_seed(seed)
    return kind.build(
        random_pair(), NAMES, config=kind.Model.Config(), image_size=64, generator=generator
    )


def trainer_of(method: str, **options: object) -> Trainer:
    features, labels = separable()
    source = FeatureSource(features, half_known(labels))
    return Trainer(task_of(method), source, recipe=replace(SHORT, **options))  # pyright: ignore


def test_it_learns_and_ranks_what_it_was_not_told(method: str) -> None:
    trainer = trainer_of(method, epochs=EPOCHS.get(method, 20))
    trainer.run()
    records = trainer.history.records
    # Where other losses join in the course of training, that of the labels has a name of its own.
    name = "labels" if "labels" in records[0]["losses"] else "total"
    losses = [record["losses"][name] for record in records]
    assert losses[-1] < losses[0]
    if method == "zero-shot":  # it ranks as its towers do, and these are random
        return
    features, labels = separable()
    logits, hidden = predict_logits(trainer.task.model, features), half_known(labels) == 0
    assert logits[hidden & (labels > 0)].mean() > logits[hidden & (labels < 0)].mean()


def test_stopped_anywhere_it_ends_in_the_same_state(method: str, tmp_path: Path) -> None:
    whole = trainer_of(method)
    whole.run()
    store, first = CheckpointStore(tmp_path), trainer_of(method)
    with pytest.raises(KeyboardInterrupt):
        first.run(after_step=stop_after(7))
    assert first.position == (1, 3)
    store.save(first.state(), step=7)
    second, state = trainer_of(method), store.load()
    assert state is not None
    second.load(state)
    second.run()
    assert_same_tensors(whole.state().tensors, second.state().tensors)
    plain = (json.loads(json.dumps(one.state().plain)) for one in (whole, second))
    assert next(plain) == next(plain)


def test_everything_that_learns_is_in_one_group(method: str) -> None:
    task = task_of(method)
    grouped = [id(value) for group in task.parameter_groups() for value in group.parameters]
    assert sorted(grouped) == sorted(id(value) for value in task.parameters())
    assert {value.requires_grad for value in task.parameters()} == {True}


def test_it_is_saved_and_loaded_to_the_last_bit(method: str, tmp_path: Path) -> None:
    model = task_of(method).model.eval()
    model.decision_thresholds = [0.25, 0.5, 0.75]
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path, encoders=random_pair())
    assert torch.equal(again.predict(IMAGES), model.predict(IMAGES))
    assert again.config == model.config
    assert again.decision_thresholds == [0.25, 0.5, 0.75]
    assert model.credit in model.model_card()
    assert type(model).Config.from_dict(model.config.as_dict()) == model.config


def test_images_and_their_features_score_alike(method: str) -> None:
    model = task_of(method).model.eval()
    features, grid = model.image_encoder.encode_dense(IMAGES)
    torch.testing.assert_close(model.match(features, grid).logits, model(IMAGES).logits)
    assert model(IMAGES).logits.shape == (2, len(NAMES))


def test_regions_are_there_or_are_not(method: str) -> None:
    model = task_of(method).model.eval()
    maps = model.region_maps(model(IMAGES))
    assert (maps is not None) == model.has_regions
    if maps is not None:
        assert bool(((maps >= 0) & (maps <= 1)).all())


def test_some_classes_can_be_trained_alone(method: str) -> None:
    features, labels = separable(6)
    classes = torch.tensor([0, 2])
    whole, part = task_of(method).eval().model, task_of(method).train()
    batch = Batch(features.dense, labels, GRID, classes)
    losses = part(batch)
    assert losses["total"].isfinite()
    expected = whole.match(features.dense, GRID).logits[:, classes]
    scored = whole.match(features.dense, GRID, classes=classes).logits
    torch.testing.assert_close(scored, expected)


@pytest.mark.parametrize("known", ["none", "no images"])
def test_a_batch_that_says_nothing_has_no_loss_that_is_not_finite(method: str, known: str) -> None:
    features, labels = separable(4)
    rows = 0 if known == "no images" else 4
    task = task_of(method).train()
    losses = task(Batch(features.dense[:rows], 0 * labels[:rows], GRID))
    losses["total"].backward()
    assert all(value.isfinite() for value in losses.values())
    gradients = [value.grad for value in task.parameters() if value.grad is not None]
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)


def test_a_label_of_another_coding_is_refused(method: str) -> None:
    features, labels = separable(4)
    with pytest.raises(ValueError, match="must contain only -1"):
        task_of(method).train()(Batch(features.dense, 2 * labels, GRID))


def test_what_is_exported_predicts_the_same(method: str) -> None:
    model = task_of(method).model.eval()
    pixels = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    from trmml.encoders import normalize_pixels

    exported = DeployableModel(model, regions=model.has_regions)(pixels)
    expected = model.predict(normalize_pixels(pixels, model.image_encoder))
    torch.testing.assert_close(exported[0], expected, rtol=1e-4, atol=1e-5)


def test_its_page_names_it(method: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "parts" / "methods.md"
    assert f"`{method}`" in page.read_text(encoding="utf-8")
