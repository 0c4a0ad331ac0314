from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests._references import text_pixel as reference
from tests.random_clip import random_clip, random_pair, wrap
from trmml.encoders import ImageFeatures
from trmml.models import ABLATIONS, TRMML, Batch
from trmml.models.dualcoop import DualCoOp, DualCoOpConfig, DualCoOpTask
from trmml.models.text_pixel_model import with_mean_and_places

NAMES = ["tree", ["boat", "ship"], "car"]
IMAGES = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


class Without:
    dim, mean, std = 16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)

    def __call__(self, images: Tensor) -> ImageFeatures:
        raise NotImplementedError

    def encode_dense(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        raise NotImplementedError


def model_of(**settings: object) -> DualCoOp:
    generator = torch.Generator().manual_seed(0)
    config = DualCoOpConfig.from_dict(settings)
    model = DualCoOp(wrap(random_clip().double()), NAMES, config=config, generator=generator)
    return model.double()


def test_the_score_is_that_of_what_the_pool_is_given_mean_and_embedding_included() -> None:
    clip, model = random_clip().double(), model_of()
    visual: Any = clip.visual
    # The pool's values one position at a time, the mean first, each with its embedding.
    pool, maps = visual.attnpool, []
    with torch.no_grad():
        x = visual.stem(IMAGES)
        x = visual.layer4(visual.layer3(visual.layer2(visual.layer1(x))))
        assert x.shape[2:] == (2, 3)
        table = pool.positional_embedding  # of one mean and a grid of 2 x 2
        grid = nn.functional.interpolate(
            table[1:].T.reshape(1, -1, 2, 2),
            size=(2, 3),
            mode="bicubic",
            antialias=True,
            align_corners=False,
        )
        for image in x:
            columns = [image.mean(dim=(1, 2)) + table[0]]
            columns += [
                image[:, row, column] + grid[0, :, row, column]
                for row in range(2)
                for column in range(3)
            ]
            maps.append([pool.c_proj(pool.v_proj(column)).tolist() for column in columns])
    with torch.no_grad():
        positive, negative = model.text_features()
        expected, energy = reference.text_pixel_logits(
            maps, positive.tolist(), negative.tolist(), 1 / (5 * 20), 1 / 20
        )
        found = model(IMAGES)
    torch.testing.assert_close(found.logits, torch.tensor(expected).double(), rtol=1e-5, atol=1e-4)
    inner = torch.tensor(energy).double()[:, :, 1:]
    torch.testing.assert_close(found.energy, inner, rtol=1e-5, atol=1e-4)
    assert model.region_maps(found).shape == (2, 3, 2, 3)


def test_without_the_pool_it_is_the_row_of_the_ablation() -> None:
    row = ABLATIONS["dualcoop"]
    ours = TRMML(random_pair(), NAMES, config=row, generator=torch.Generator().manual_seed(0))
    published = model_of(pooling_token=False, temperature=0.02).float()
    published.prompts.load_state_dict(ours.prompts.state_dict())
    features = torch.randn(2, 6, 16)
    found, expected = (model.eval().match(features, (2, 3)) for model in (published, ours))
    torch.testing.assert_close(found.logits, expected.logits)


def test_a_tower_without_such_a_pool_adds_the_mean_alone() -> None:
    features = torch.randn(2, 6, 16)

    found = with_mean_and_places(features, (2, 3), Without())
    torch.testing.assert_close(found, torch.cat([features.mean(1, keepdim=True), features], 1))


def test_the_loss_has_its_weight() -> None:
    features, labels = torch.randn(2, 6, 16).double(), torch.tensor([[1, -1, 0], [0, 1, -1]])
    plain, weighted = (DualCoOpTask(model_of(loss_weight=weight)) for weight in (1.0, 0.25))
    batch = Batch(features, labels, (2, 3))
    torch.testing.assert_close(weighted(batch)["total"], 0.25 * plain(batch)["total"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": 0.0}, "`temperature` must be finite and above 0"),
        ({"spatial_temperature": -1.0}, "`spatial_temperature` must be finite and above 0"),
        ({"loss_weight": 0.0}, "`loss_weight` must be above 0, got 0.0"),
        ({"text_chunk_size": 0}, "`text_chunk_size` must be at least 1, got 0"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DualCoOpConfig.from_dict(wrong)
