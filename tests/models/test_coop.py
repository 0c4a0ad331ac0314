import math

import pytest
import torch

from tests._references.matching import cosine
from tests.random_clip import DIM, random_pair
from trmml.models.coop import CoOp, CoOpConfig

NAMES = ["tree", ["boat", "ship"], "car"]


def test_the_score_is_the_cosine_with_the_whole_above_the_threshold() -> None:
    config = CoOpConfig(temperature=0.5, threshold=-0.25)
    model = CoOp(random_pair(), NAMES, config=config, generator=torch.Generator().manual_seed(0))
    model = model.double()
    features = torch.randn(2, 6, DIM, dtype=torch.float64)
    found = model.match(features, (2, 3)).logits
    g = model.prompts().tolist()
    for image in range(2):
        mean = [sum(features[image, n, d].item() for n in range(6)) / 6 for d in range(DIM)]
        for c in range(3):
            expected = (cosine(mean, g[c]) + 0.25) / 0.5
            assert found[image, c].item() == pytest.approx(expected, rel=1e-6)


def test_half_of_a_chance_is_at_the_threshold() -> None:
    model = CoOp(random_pair(), NAMES).eval()
    features = torch.randn(1, 6, DIM)
    (texts,) = model.text_features()
    with torch.no_grad():
        model.threshold.fill_(torch.nn.functional.normalize(features.mean(1), dim=-1)[0] @ texts[1])
    assert math.isclose(model.match(features, (2, 3)).logits[0, 1].item(), 0, abs_tol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": 0.0}, "`temperature` must be finite and above 0"),
        ({"threshold": 1.5}, r"`threshold` must be in \[-1, 1\], got 1.5"),
        ({"context_length": 0}, "`context_length` must be at least 1, got 0"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CoOpConfig.from_dict(wrong)
