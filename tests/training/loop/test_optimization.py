import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW

from tests.training.small_run import SHORT, task_of
from trmml.training.loop.optimization import build_optimizer, build_scheduler


def rates(schedule: str, steps: int, warmup_share: float) -> list[float]:
    recipe = replace(SHORT, schedule=schedule, warmup_share=warmup_share)
    optimizer = AdamW([nn.Parameter(torch.zeros(1))], lr=2.0)
    scheduler = build_scheduler(optimizer, recipe, steps=steps)
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


@pytest.mark.parametrize("steps", [1, 2, 5, 100])
@pytest.mark.parametrize("warmup_share", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("schedule", ["onecycle", "cosine"])
def test_the_rate_rises_then_falls_for_any_length(
    schedule: str, steps: int, warmup_share: float
) -> None:
    seen = rates(schedule, steps, warmup_share)
    assert all(0 <= rate <= 2.0 + 1e-9 for rate in seen)
    peak = seen.index(max(seen))
    assert seen[:peak] == sorted(seen[:peak])
    assert seen[peak:] == sorted(seen[peak:], reverse=True)


def test_a_cosine_without_a_rise_halves_at_half_time() -> None:
    seen = rates("cosine", 100, 0.0)
    assert seen[0] == 2.0
    assert seen[50] == pytest.approx(1.0)
    assert seen[99] < 0.01


def test_the_schedule_by_epochs_begins_low_and_falls_from_epoch_to_epoch() -> None:
    recipe = replace(SHORT, schedule="epochs", epochs=4)
    optimizer = SGD([{"params": [nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (2.0, 0.5)])
    scheduler = build_scheduler(optimizer, recipe, steps=12)
    seen = []
    for _ in range(12):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    for step, rates_ in enumerate(seen):
        epoch = step // 3
        for peak, rate in zip((2.0, 0.5), rates_, strict=True):
            after = peak * (1 + math.cos(math.pi * epoch / 4)) / 2
            assert rate == pytest.approx(1e-5 if epoch == 0 else after)


def test_descent_with_momentum_is_what_the_letters_say() -> None:
    task = task_of()
    optimizer = build_optimizer(task, replace(SHORT, optimizer="sgd", weight_decay=0.1))
    weight = task.model.prompts.positive_context
    group = next(g for g in optimizer.param_groups if any(p is weight for p in g["params"]))
    assert (group["momentum"], group["weight_decay"]) == (0.9, 0.1)
    w, v = weight.detach().clone(), torch.zeros_like(weight)
    for step in range(3):
        gradient = torch.full_like(weight, 0.5 + step)
        weight.grad = gradient.clone()
        optimizer.step()
        v = 0.9 * v + gradient + 0.1 * w
        w = w - group["lr"] * v
    torch.testing.assert_close(weight.detach(), w)
    vector = task.model.log_temperature
    assert (
        next(
            g["weight_decay"]
            for g in optimizer.param_groups
            if any(p is vector for p in g["params"])
        )
        == 0.0
    )
