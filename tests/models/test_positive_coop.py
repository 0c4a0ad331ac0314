import pytest
import torch

from tests._references import text_pixel as reference
from tests.random_clip import DIM, random_pair
from trmml.models import zero_shot_text_features
from trmml.models.positive_coop import PositiveCoOp, PositiveCoOpConfig

NAMES = ["tree", ["boat", "ship"], "car"]


def model_of(texts: str) -> PositiveCoOp:
    config = PositiveCoOpConfig.from_dict({"texts": texts, "pooling_token": False})
    generator = torch.Generator().manual_seed(0)
    return PositiveCoOp(random_pair(), NAMES, config=config, generator=generator)


@pytest.mark.parametrize("texts", ["positive", "none"])
def test_the_score_is_text_pixel_matching_with_what_is_learnt(texts: str) -> None:
    model = model_of(texts).double()
    with torch.no_grad():
        for value in model.parameters():
            value.normal_(generator=torch.Generator().manual_seed(1))
    features = torch.randn(2, 6, DIM, dtype=torch.float64)
    if texts == "none":
        sides = (model.prompts.positive, model.prompts.negative)
    else:
        sides = (model.prompts()[0], model.prompts.negative_embedding)
    expected, _ = reference.text_pixel_logits(
        features.tolist(), sides[0].tolist(), sides[1].tolist(), 0.01, 0.05
    )
    found = model.match(features, (2, 3)).logits
    torch.testing.assert_close(found, torch.tensor(expected).double(), rtol=1e-5, atol=1e-4)


def test_the_negative_side_starts_at_the_names() -> None:
    names = zero_shot_text_features(random_pair().text, NAMES)
    torch.testing.assert_close(model_of("positive").prompts()[1], names)


def test_without_texts_nothing_is_decided_at_the_start_and_the_text_tower_is_not_asked() -> None:
    model = model_of("none")
    assert model.match(torch.randn(2, 6, DIM), (2, 3)).logits.abs().max() == 0
    assert sum(value.numel() for value in model.parameters()) == 2 * 3 * DIM


@pytest.mark.usefixtures("no_shape_checks")
def test_another_side_is_refused() -> None:
    with pytest.raises(ValueError, match="`texts` must be one of 'positive', 'none'"):
        PositiveCoOpConfig.from_dict({"texts": "negative"})
