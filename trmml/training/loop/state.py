"""The whole state of a trainer, out to a checkpoint and back."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from torch import Tensor

from trmml.encoders.fingerprint import pair_fingerprints
from trmml.training.loop.random_state import random_state, restore_random_state
from trmml.training.run.checkpoints import RunState

if TYPE_CHECKING:
    from trmml.training.loop.trainer import Trainer

__all__ = ["collect_state", "restore_state", "run_settings"]

FREE_TO_CHANGE = ("compile", "patience")  # neither changes what a step computes


def collect_state(trainer: "Trainer") -> RunState:
    """Return all that a trainer goes on from, its settings included."""
    optimizer = trainer.optimizer.state_dict()
    generators, plain_generators = random_state()
    tensors = _prefixed("model", trainer.model.state_dict())
    for index, moments in optimizer["state"].items():
        tensors |= _prefixed(f"optimizer.{index}", moments)
    if trainer.average is not None:
        tensors |= _prefixed("average", trainer.average.weights)
    tensors |= _prefixed("random", generators)
    scaler = trainer.accelerator.scaler
    plain = {
        "settings": trainer.settings,
        "position": list(trainer.position),
        "history": trainer.history.as_plain(),
        "optimizer": optimizer["param_groups"],
        "scheduler": trainer.scheduler.state_dict(),
        "scaler": None if scaler is None else scaler.state_dict(),
        "average_updates": None if trainer.average is None else trainer.average.updates,
        "random": plain_generators,
    }
    return RunState(tensors, plain)


def restore_state(trainer: "Trainer", state: RunState) -> None:
    """Set a trainer to a saved state.

    Raises:
        ValueError: If the state is of a training with other settings; the message names them.
    """
    tensors, plain = state
    _check_settings(plain["settings"], trainer.settings)
    trainer.model.load_state_dict(_under("model", tensors))
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in _under("optimizer", tensors).items():
        index, key = name.split(".", 1)
        moments.setdefault(int(index), {})[key] = value
    trainer.optimizer.load_state_dict({"state": moments, "param_groups": plain["optimizer"]})
    trainer.optimizer.zero_grad()
    trainer.scheduler.load_state_dict(plain["scheduler"])
    if plain["scaler"] is not None and trainer.accelerator.scaler is not None:
        trainer.accelerator.scaler.load_state_dict(plain["scaler"])
    if trainer.average is not None:
        for name, value in _under("average", tensors).items():
            trainer.average.weights[name].copy_(value)
        trainer.average.updates = plain["average_updates"]
    restore_random_state(_under("random", tensors), plain["random"])
    trainer.position = type(trainer.position)(*plain["position"])
    trainer.history.load(plain["history"])


def run_settings(trainer: "Trainer") -> dict[str, Any]:
    """Return what has to be the same for a run to go on to the same weights."""
    recipe = asdict(trainer.recipe)
    for name in FREE_TO_CHANGE:
        del recipe[name]
    return {
        "class_names": trainer.model.class_names,
        **{f"{t} encoder": p for t, p in pair_fingerprints(trainer.model.encoders).items()},
        "model": asdict(trainer.model.config),
        "recipe": recipe,
        "images": len(trainer.source.labels),
        "known_labels": int((trainer.source.labels != 0).sum()),
    }


def _check_settings(saved: dict[str, Any], here: dict[str, Any]) -> None:
    for name in sorted(saved.keys() | here.keys()):
        then, now = saved.get(name), here.get(name)
        if isinstance(then, dict) and isinstance(now, dict):
            differing = [key for key in then.keys() | now.keys() if then.get(key) != now.get(key)]
            if differing:
                name, then, now = (
                    f"{name}.{differing[0]}",
                    then.get(differing[0]),
                    now.get(differing[0]),
                )
        if then != now:
            raise ValueError(
                f"The checkpoint is of another training: `{name}` was {then}, is {now}; go on with "
                "the same settings, or start again in another folder."
            )


def _prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": value.clone() for name, value in tensors.items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {n.removeprefix(start): value for n, value in tensors.items() if n.startswith(start)}
