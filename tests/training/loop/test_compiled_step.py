"""A compiled step: for every method one graph, from batch to losses, with the same numbers."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from tests.random_clip import random_pair
from tests.training.small_run import GRID, NAMES, half_known, separable
from trmml.models import METHODS, Batch, Task
from trmml.training import Recipe
from trmml.training.loop.acceleration import build_accelerator
from trmml.training.loop.sent_batch import sent_batch

pytestmark = pytest.mark.usefixtures("no_shape_checks")

EPOCHS, SIZE = 7, 16
MOST_GRAPHS = 4  # for what changes once in a training; far from one for each epoch


def task_of(method: str, **options: object) -> Task:
    kind = METHODS[method]
    config = replace(kind.Model.Config(), **options)
    generator = torch.Generator().manual_seed(0)
    return kind.build(random_pair(), NAMES, config=config, image_size=64, generator=generator)


def train(task: Task) -> list[Tensor]:
    """Take one step in each epoch; return all losses and state."""
    features, labels = separable()
    known = half_known(labels)
    task.begin_training(known)
    task.train()
    optimizer = torch.optim.SGD(task.parameters(), lr=0.01)
    found = []
    for epoch in range(EPOCHS):
        rows = torch.arange(SIZE) + epoch * (len(known) - SIZE) // EPOCHS
        task.begin_epoch(epoch, epochs=EPOCHS)
        losses = task(Batch(features.dense[rows], known[rows], GRID, rows=rows))
        optimizer.zero_grad()
        losses["total"].backward()
        optimizer.step()
        task.end_step(taken=True)
        found += [value.detach() for value in losses.values()]
    return found + list(task.state_dict().values())


@pytest.mark.parametrize("method", METHODS)
def test_a_step_of_every_method_is_one_graph(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = 0

    def as_it_is(graph: torch.fx.GraphModule, _: object) -> Callable[..., Any]:
        nonlocal graphs
        graphs += 1
        return graph.forward

    compile_whole = partial(torch.compile, fullgraph=True, backend=as_it_is)
    monkeypatch.setattr(torch, "compile", compile_whole)
    plain, compiled = task_of(method), task_of(method)
    compiled.compile()
    torch.testing.assert_close(train(compiled), train(plain), equal_nan=True, rtol=1e-4, atol=1e-5)
    assert 0 < graphs <= MOST_GRAPHS


@pytest.mark.parametrize("compiled", [True, False])
def test_the_frozen_image_tower_stays_out_of_a_graph_on_a_cpu(compiled: bool) -> None:
    task, accelerator = task_of("trmml"), build_accelerator(Recipe())
    batch = Batch(torch.randn(4, 3, 64, 64), torch.zeros(4, len(NAMES), dtype=torch.long))
    recipe = Recipe(compile=compiled)
    sent = sent_batch(batch, task, accelerator, recipe)
    if not compiled:
        assert sent.inputs is batch.inputs
        return
    dense, grid = task.model.image_encoder.encode_dense(batch.inputs)
    assert sent.grid == grid
    torch.testing.assert_close(sent.inputs, dense)
    assert sent_batch(sent, task, accelerator, recipe).inputs is sent.inputs
    for parameter in cast(nn.Module, task.model.image_encoder).parameters():
        parameter.requires_grad_(True)  # as a tower's own projection may
    assert sent_batch(batch, task, accelerator, recipe).inputs is batch.inputs
