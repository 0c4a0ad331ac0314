"""fp16 with a scaled loss, on a CPU: the loop is the one that a GPU runs."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.loop.test_trainer import assert_same
from tests.training.small_run import SHORT, half_known, separable, task_of
from tests.training.stopped_run import stop_after
from trmml.training import CheckpointStore, FeatureSource, Trainer
from trmml.training.loop.acceleration import build_accelerator

GRADIENTS_OVERFLOW = 2.0**16  # the usual start; it halves until the gradients fit into fp16


def fp16_trainer() -> Trainer:
    """Build a trainer whose accelerator does what it does for fp16 on a GPU."""
    accelerator: Any = build_accelerator(SHORT)
    accelerator.state._mixed_precision = "fp16"
    accelerator.native_amp = True
    accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=GRADIENTS_OVERFLOW)
    features, labels = separable()
    source = FeatureSource(features, half_known(labels))
    return Trainer(task_of(), source, recipe=SHORT, accelerator=accelerator)


def test_a_step_whose_gradients_overflow_is_left_out_of_weights_and_schedule() -> None:
    trainer = fp16_trainer()
    before = trainer.task.model.get_parameter("prompts.positive_context").detach().clone()
    seen: list[tuple[bool, bool, int]] = []

    def note(trainer: Trainer, _: object) -> None:
        moved = not torch.equal(
            trainer.task.model.get_parameter("prompts.positive_context"), before
        )
        seen.append((trainer.optimizer.step_was_skipped, moved, trainer.scheduler.last_epoch))
        assert all(p.dtype == torch.float32 for p in trainer.task.model.parameters())

    trainer.run(after_step=note)
    skipped = [skip for skip, _, _ in seen]
    assert skipped[0]
    assert not skipped[-1]
    assert seen[0] == (True, False, 0)
    assert seen[-1] == (False, True, len(seen) - sum(skipped))
    first, *_, last = trainer.history.records
    assert last["losses"]["total"] < first["losses"]["total"]


@pytest.mark.parametrize("stop", [1, 7])
def test_it_goes_on_from_a_checkpoint_with_the_scale_it_had(tmp_path: Path, stop: int) -> None:
    whole = fp16_trainer()
    whole.run()
    first = fp16_trainer()
    with pytest.raises(KeyboardInterrupt):
        first.run(after_step=stop_after(stop))
    store = CheckpointStore(tmp_path)
    store.save(first.state(), step=stop)
    second = fp16_trainer()
    state = store.load()
    assert state is not None
    assert json.loads(json.dumps(state.plain["scaler"]))["scale"] < GRADIENTS_OVERFLOW
    second.load(state)
    second.run()
    assert_same(whole, second)
