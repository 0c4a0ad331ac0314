"""Trainings that are stopped after some steps and taken up again."""

import json
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from trmml.training import Losses, RunState, Trainer


def stop_after(steps: int) -> Callable[[Trainer, Losses], None]:
    taken = 0

    def after_step(trainer: Trainer, losses: Losses) -> None:
        nonlocal taken
        taken += 1
        if taken == steps:
            raise KeyboardInterrupt

    return after_step


def taken_up(trainer_of: Callable[[], Trainer], steps: int) -> tuple[RunState, Trainer]:
    """Stop one training after so many steps; return its state, and another that has taken it up."""
    first, second = trainer_of(), trainer_of()
    with pytest.raises(KeyboardInterrupt):
        first.run(after_step=stop_after(steps))
    state = first.state()
    second.load(state._replace(plain=json.loads(json.dumps(state.plain))))
    return state, second


def assert_same_tensors(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    """See that all tensors are the same to the last bit."""
    assert one.keys() == other.keys()
    for name, value in one.items():
        torch.testing.assert_close(other[name], value, rtol=0, atol=0, equal_nan=True, msg=name)
