import pytest
import torch
from torch import nn

from trmml.training.loop.weight_average import WeightAverage


def test_the_average_follows_its_equation() -> None:
    linear = nn.Linear(2, 1)
    average = WeightAverage(linear, decay=0.5)
    expected = linear.weight.detach().double()
    for update in range(12):
        with torch.no_grad():
            linear.weight.fill_(float(update))
        average.update(linear)
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * update
    torch.testing.assert_close(average.weights["weight"].double(), expected, rtol=1e-6, atol=1e-6)


def test_the_model_gets_its_own_weights_back_even_after_an_error() -> None:
    linear = nn.Linear(2, 1)
    average = WeightAverage(linear, decay=0.9)
    start = linear.weight.detach().clone()
    with torch.no_grad():
        linear.weight.add_(1)
    own = linear.weight.detach().clone()

    def fail() -> None:
        with average.applied_to(linear):
            assert torch.equal(linear.weight, start)
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    assert torch.equal(linear.weight, own)
    assert torch.equal(average.weights["weight"], start)
