"""How often a step of training makes the host wait for the device, counted on the one stood in."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor

from tests.other_device import other_device
from tests.random_clip import random_pair
from tests.training.small_run import NAMES, SHORT, half_known, separable, task_of
from tests.training.stopped_run import assert_same_tensors
from tests.waits import Waits
from trmml.models import METHODS, Batch
from trmml.training import FeatureSource, Losses, Recipe, Trainer

BRIEF = replace(SHORT, epochs=2)
LATER = 6  # of 8 steps: in the second half, where labels are completed, and within an epoch


def waits_of(method: str, recipe: Recipe, *, step: int, **options: object) -> Waits:
    """Train, and count what one step waits for, from its batch to the callback after it."""
    waits = Waits()

    def after_step(trainer: Trainer, losses: Losses) -> None:
        if trainer.steps_done == step:
            waits.__enter__()
        if trainer.steps_done == step + 1:
            waits.__exit__(None, None, None)
            raise KeyboardInterrupt

    kind = METHODS[method]
    config = replace(kind.Model.Config(), **options)
    features, labels = separable()
    source = FeatureSource(features, half_known(labels))
    with other_device() as device, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Accelerator, "device", device)
        task = kind.build(random_pair(), NAMES, config=config, image_size=64)
        with pytest.raises(KeyboardInterrupt):
            Trainer(task, source, recipe=recipe).run(after_step=after_step)
    return waits


CASES: dict[str, tuple[Recipe, dict[str, object]]] = {
    "plain": (BRIEF, {}),
    "in parts": (replace(BRIEF, gradient_accumulation_steps=2), {}),
    "drawn prototypes": (BRIEF, {"contrastive_sample": 5}),
    "some classes": (replace(BRIEF, class_sample=2), {}),
    "averaged": (replace(BRIEF, ema_decay=0.9), {}),
}


@pytest.mark.parametrize("step", [1, LATER])
@pytest.mark.parametrize("case", CASES)
def test_a_step_waits_once(case: str, step: int) -> None:
    recipe, options = CASES[case]
    waits = waits_of("trmml", recipe, step=step, first_stage_share=0.5, **options)
    assert waits.operations > 500
    assert waits.total == 1, "\n" + waits.table()


@pytest.mark.parametrize("method", METHODS)
def test_a_step_of_every_method_waits_once(method: str) -> None:
    waits = waits_of(method, BRIEF, step=LATER)
    assert waits.operations > 100
    assert waits.total == 1, "\n" + waits.table()


SOON: dict[str, dict[str, object]] = {
    "sst": {"transfer_epoch": 1},
    "hst": {"transfer_epoch": 1},
    "sarb": {"blend_epoch": 1},
}


@pytest.mark.parametrize("method", SOON)
def test_a_step_that_comes_late_in_a_training_waits_once(method: str) -> None:
    waits = waits_of(method, BRIEF, step=LATER, **SOON[method])
    assert waits.total == 1, "\n" + waits.table()


class Spoilt(FeatureSource):
    """Gives one image, in one epoch, what nobody can learn from."""

    def __init__(self, spoilt: str) -> None:
        features, labels = separable()
        super().__init__(features, half_known(labels))
        self.spoilt = spoilt

    def batches(self, parts: Sequence[Tensor], *, epoch: int) -> Iterator[Batch]:
        for rows, batch in zip(parts, super().batches(parts, epoch=epoch), strict=True):
            chosen = (rows == 7) & (epoch == 1)
            inputs, labels = batch.inputs, batch.labels
            if self.spoilt == "features":
                inputs = inputs.masked_fill(chosen[:, None, None], torch.nan)
            else:
                labels = labels.masked_fill(chosen[:, None], 2)
            yield batch._replace(inputs=inputs, labels=labels)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize(
    ("spoilt", "error", "message"),
    [
        ("features", FloatingPointError, r"got nan in step . of epoch 1; .* images: images \["),
        ("labels", ValueError, r"`labels` must contain only -1 .*, got also \[2.0\]"),
    ],
)
def test_a_step_that_teaches_nothing_changes_nothing(
    parts: int, spoilt: str, error: type[Exception], message: str
) -> None:
    before: dict[str, Tensor] = {}

    def after_step(trainer: Trainer, losses: Losses) -> None:
        assert {value.device.type for value in losses.values()} == {"cpu"}
        before.update({name: value.cpu() for name, value in trainer.task.named_parameters()})

    with other_device() as device, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Accelerator, "device", device)
        recipe = replace(BRIEF, gradient_accumulation_steps=parts)
        trainer = Trainer(task_of(), Spoilt(spoilt), recipe=recipe)
        with pytest.raises(error, match=message) as caught:
            trainer.run(after_step=after_step)
        after = {name: value.cpu() for name, value in trainer.task.named_parameters()}
    if spoilt == "features":
        assert all(value.grad is None for value in trainer.task.parameters())
        named = json.loads(str(caught.value).partition("images: images ")[2].rstrip("."))
        assert 7 in named or len(named) == 8
    assert_same_tensors(before, after)


LOOKS: dict[str, Callable[[Tensor], object]] = {
    "_local_scalar_dense": lambda there: bool(there.sum()),
    "tolist": lambda there: there.tolist(),
    "nonzero": lambda there: there.nonzero(),
    "masked_select": lambda there: there.masked_select(there > 0),
    "bincount": lambda there: there.long().bincount(),
    "_unique2": lambda there: there.unique(),
    "equal": lambda there: torch.equal(there, there),
    "index by a mask": lambda there: there[there > 0],
    "index_put_ by a mask": lambda there: there.__setitem__(there > 0, torch.ones_like(there)),
    "index by indices of the host": lambda there: there[torch.tensor([0, 1])],
    "_to_copy between devices": lambda there: there.cpu(),
    "copy_ between devices": lambda there: there.copy_(torch.zeros(3)),
}


@pytest.mark.parametrize("look", LOOKS)
def test_every_look_is_counted(look: str) -> None:
    with other_device() as device:
        there = torch.ones(3, device=device)
        with Waits() as waits:
            LOOKS[look](there)
    assert [name for name, _ in waits.found] == [look]
    assert waits.total == 1


def test_what_the_device_does_by_itself_is_not_counted() -> None:
    with other_device() as device:
        here, there = torch.ones(3), torch.ones(3, device=device)
        with Waits() as waits:
            copied = here.to(device, non_blocking=True)
            torch.where(there > 0, copied, 0).topk(2).values.sum()
    assert waits.total == 0
    assert waits.operations > 3
