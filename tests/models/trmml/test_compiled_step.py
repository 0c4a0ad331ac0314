"""What `Recipe.compile` compiles: a step from features to losses, and back."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.random_clip import DIM, random_pair
from trmml import TRMML
from trmml.models import ABLATIONS, TRMMLConfig, TRMMLLosses

NAMES = ["cat", "traffic light", ["dog", "puppy"]]
GRID = (2, 3)

pytestmark = pytest.mark.usefixtures("no_shape_checks")


def model_of(config: TRMMLConfig) -> TRMML:
    return TRMML(random_pair(), NAMES, config=config, generator=torch.Generator().manual_seed(0))


def batches() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(3, 4, 6, DIM, generator=generator)
    labels = torch.randint(-1, 2, (3, 4, 3), generator=generator)
    return list(zip(features, labels, strict=True))


def train(model: TRMML, step: Callable[[Tensor, Tensor], TRMMLLosses]) -> list[Tensor]:
    """Take three steps, the last of them in the second stage; return losses and all state."""
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for number, (features, labels) in enumerate(batches()):
        if number == 2:
            model.begin_second_stage()
        losses.append(step(features, labels))
        optimizer.zero_grad()
        losses[-1].total.backward()
        optimizer.step()
    terms = [term.detach() for parts in losses for term in parts]
    return terms + list(model.state_dict().values())


# All methods as they come, TRM-ML too, are in `tests/training/loop/test_compiled_step.py`.
CONFIGS = {
    "in chunks": TRMMLConfig(text_chunk_size=4),
    "dualcoop": ABLATIONS["dualcoop"],
}


@pytest.mark.parametrize("name", CONFIGS)
def test_one_graph_trains_like_eager_mode(name: str) -> None:
    model, compiled = model_of(CONFIGS[name]), model_of(CONFIGS[name])
    step: Callable[[Tensor, Tensor], TRMMLLosses] = torch.compile(
        lambda x, y: compiled.loss(compiled.match(x, GRID), y), fullgraph=True, backend="aot_eager"
    )
    expected = train(model, lambda x, y: model.loss(model.match(x, GRID), y))
    found = train(compiled, step)
    torch.testing.assert_close(found, expected, equal_nan=True, rtol=1e-4, atol=1e-5)
