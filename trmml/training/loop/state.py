"""The whole state of a training, out to a checkpoint and back."""

import operator
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from trmml.stored_files import require_kinds
from trmml.training.loop.history import History
from trmml.training.loop.random_state import random_state, restore_random_state
from trmml.training.loop.weight_average import WeightAverage

__all__ = ["Learners", "Position", "RunState", "collect_state", "restore_state", "saved_settings"]


PLAIN_KINDS: Final[dict[str, Any]] = {
    "settings": dict,
    "forerunner": bool,
    "position": list,
    "history": dict,
    "optimizer": list,
    "scheduler": dict,
    "scaler": (dict, None),
    "average_updates": (int, None),
    "random": dict,
}


class RunState(NamedTuple):
    """Everything a run needs to go on as if it had never stopped.

    Attributes:
        tensors: Weights, moments, averages, bank, thresholds, generators, by dotted name.
        plain: Position, history, schedule and settings, as JSON knows them.
    """

    tensors: dict[str, Tensor]
    plain: dict[str, Any]


class Position(NamedTuple):
    """Where training stands: the next step to take.

    Attributes:
        epoch: From 0; the recipe's number of epochs when training is over.
        step: Within the epoch, from 0.
    """

    epoch: int = 0
    step: int = 0


class Learners(NamedTuple):
    """All that changes from step to step, but for the position.

    Attributes:
        task: With the model in it.
        optimizer: Its moments.
        scheduler: Of the learning rate.
        scaler: Of the loss, in fp16; None otherwise.
        average: Of the weights; None where there is none.
        history: What was measured.
    """

    task: nn.Module
    optimizer: Optimizer
    scheduler: LRScheduler
    scaler: Any
    average: WeightAverage | None
    history: History


def collect_state(
    learners: Learners,
    position: Position,
    settings: dict[str, Any],
    *,
    forerunner: bool,
    copied: bool = True,
) -> RunState:
    """Return all that a training goes on from, its settings included.

    Args:
        learners: Of the training.
        position: Where it stands.
        settings: What has to be the same to go on.
        forerunner: Whether this is what is trained before the task itself.
        copied: Whether the tensors stay as they are when training goes on.
    """
    optimizer = learners.optimizer.state_dict()
    generators, plain_generators = random_state()
    tensors = _prefixed("task", learners.task.state_dict())
    for index, moments in optimizer["state"].items():
        tensors |= _prefixed(f"optimizer.{index}", moments)
    if learners.average is not None:
        tensors |= _prefixed("average", learners.average.weights)
    tensors |= _prefixed("random", generators)
    if copied:
        tensors = {name: value.clone() for name, value in tensors.items()}
    plain = {
        "settings": settings,
        "forerunner": forerunner,
        "position": list(position),
        "history": learners.history.as_plain(),
        "optimizer": optimizer["param_groups"],
        "scheduler": learners.scheduler.state_dict(),
        "scaler": None if learners.scaler is None else learners.scaler.state_dict(),
        "average_updates": None if learners.average is None else learners.average.updates,
        "random": plain_generators,
    }
    return RunState(tensors, plain)


def restore_state(learners: Learners, state: RunState) -> Position:
    """Set what learns to a saved state, and return where that stands.

    Raises:
        ValueError: If something in the state is missing, or of another kind or shape than here.
    """
    require_kinds(state.plain, PLAIN_KINDS, where="The checkpoint", what="the state of a run")
    try:
        return _restore(learners, state)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # what a lie breaks depends on where it is
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise ValueError(
            f"The checkpoint must hold the state of this training, but does not fit it ({reason}); "
            "delete it to go on from the one before, or start again in another folder."
        ) from error


def saved_settings(state: RunState) -> dict[str, Any]:
    """Return the settings that a state was saved under.

    Raises:
        ValueError: If something in the state is missing, or of another kind than a state's.
    """
    require_kinds(state.plain, PLAIN_KINDS, where="The checkpoint", what="the state of a run")
    return state.plain["settings"]


def _restore(learners: Learners, state: RunState) -> Position:
    tensors, plain = state
    learners.task.load_state_dict(_under("task", tensors))
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in _under("optimizer", tensors).items():
        index, key = name.split(".", 1)
        moments.setdefault(int(index), {})[key] = value
    learners.optimizer.load_state_dict({"state": moments, "param_groups": plain["optimizer"]})
    learners.optimizer.zero_grad()
    learners.scheduler.load_state_dict(plain["scheduler"])
    if plain["scaler"] is not None and learners.scaler is not None:
        learners.scaler.load_state_dict(plain["scaler"])
    if learners.average is not None:
        for name, value in _under("average", tensors).items():
            learners.average.weights[name].copy_(value)
        learners.average.updates = plain["average_updates"]
    restore_random_state(_under("random", tensors), plain["random"])
    learners.history.load(plain["history"])
    epoch, step = plain["position"]
    return Position(operator.index(epoch), operator.index(step))


def _prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {n.removeprefix(start): value for n, value in tensors.items() if n.startswith(start)}
