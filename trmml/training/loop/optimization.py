"""The optimiser of a recipe, and how its learning rate moves."""

from math import cos, pi
from typing import Final

from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    OneCycleLR,
    SequentialLR,
)

from trmml.losses.label_loss import label_losses
from trmml.models import Task
from trmml.training.config.recipe import Recipe

__all__ = ["build_optimizer", "build_scheduler", "parameter_groups"]

MOMENTUM: Final = 0.9
FIRST_EPOCH_RATE: Final = 1e-5


def parameter_groups(task: Task, recipe: Recipe) -> list[dict[str, object]]:
    """Split what learns by learning rate and weight decay.

    Vectors and single numbers (biases, temperature, scale) are never decayed: pulling a
    temperature towards zero is no regularisation. Nor is what losses of labels learn, which is no
    weight but what they take for the labels.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameters, lr_ratio in task.parameter_groups():
        for parameter in parameters:
            decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((recipe.max_lr * lr_ratio, decay), []).append(parameter)
    for loss in label_losses(task):
        for parameter in loss.parameters():
            groups.setdefault((recipe.max_lr * loss.lr_ratio, 0.0), []).append(parameter)
    return [
        {"params": parameters, "lr": lr, "weight_decay": decay}
        for (lr, decay), parameters in groups.items()
    ]


def build_optimizer(task: Task, recipe: Recipe) -> Optimizer:
    """Return the recipe's optimiser on all that learns."""
    groups = parameter_groups(task, recipe)
    return SGD(groups, momentum=MOMENTUM) if recipe.optimizer == "sgd" else AdamW(groups)


def build_scheduler(optimizer: Optimizer, recipe: Recipe, *, steps: int) -> LRScheduler:
    """Return the schedule of the learning rate.

    Args:
        optimizer: Its groups hold the peak rates.
        recipe: Names the schedule and its rise.
        steps: Optimiser steps of the whole training.
    """
    if recipe.schedule == "cosine":
        rise = round(recipe.warmup_share * steps)
        fall = CosineAnnealingLR(optimizer, T_max=max(steps - rise, 1))
        if not rise:
            return fall
        warm = LinearLR(optimizer, start_factor=1 / (rise + 1), total_iters=rise)
        return SequentialLR(optimizer, [warm, fall], milestones=[rise])
    if recipe.schedule == "epochs":
        per_epoch = steps // recipe.epochs
        shares = [
            lambda step, peak=group["lr"]: _by_epochs(
                step // per_epoch, epochs=recipe.epochs, first=FIRST_EPOCH_RATE / peak
            )
            for group in optimizer.param_groups
        ]
        return LambdaLR(optimizer, shares)
    # A rise of exactly one step makes OneCycleLR divide by zero.
    warmup_share = 1.001 / steps if recipe.warmup_share * steps == 1 else recipe.warmup_share
    peaks = [group["lr"] for group in optimizer.param_groups]
    return OneCycleLR(
        optimizer, max_lr=peaks, total_steps=steps, pct_start=warmup_share, cycle_momentum=False
    )


def _by_epochs(epoch: int, *, epochs: int, first: float) -> float:
    """Return the share of the peak rate: `first` in the first epoch, half a cosine after it."""
    return first if epoch == 0 else 0.5 * (1 + cos(pi * epoch / epochs))
