import math

import pytest
import torch

from tests.random_clip import DIM, random_pair
from trmml.models import LossConfig
from trmml.models.linear_probe import LinearProbe, LinearProbeConfig, LinearProbeTask

NAMES = ["tree", ["boat", "ship"]]


def small(**settings: object) -> LinearProbe:
    config = LinearProbeConfig(**settings)  # pyright: ignore[reportArgumentType]
    generator = torch.Generator().manual_seed(0)
    return LinearProbe(random_pair(), NAMES, config=config, generator=generator)


@pytest.mark.parametrize("settings", [{}, {"scale": 100.0}, {"bias": False}])
def test_the_score_is_the_line_through_the_averaged_feature(settings: dict[str, object]) -> None:
    model = small(**settings)
    features = torch.randn(3, 6, DIM, dtype=torch.float64)
    found = model.double().match(features, (2, 3)).logits
    for image in range(3):
        mean = [sum(features[image, n, d].item() for n in range(6)) / 6 for d in range(DIM)]
        length = math.sqrt(sum(value * value for value in mean))
        for category in range(2):
            weight = model.head.weight[category].tolist()
            bias = 0.0 if model.head.bias is None else model.head.bias[category].item()
            line = sum(w * value / length for w, value in zip(weight, mean, strict=True))
            expected = model.config.scale * line + bias
            assert found[image, category].item() == pytest.approx(expected, rel=1e-9)


def test_the_loss_is_the_configured_one() -> None:
    for name in ("asymmetric", "bce"):
        task = LinearProbeTask(small(loss=LossConfig(name)))
        assert type(task.loss) is type(LossConfig(name).build())


def test_a_length_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`scale` must be above 0, got 0\.0"):
        LinearProbeConfig(scale=0.0)
