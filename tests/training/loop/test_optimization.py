from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.optim import AdamW

from tests.training.small_run import SHORT
from trmml.training.loop.optimization import build_scheduler


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
