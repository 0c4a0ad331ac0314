# ruff: noqa: ANN401 - open_clip and timm ship no stubs
from typing import Any

import pytest
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from open_clip.modified_resnet import ModifiedResNet
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tests._references import attention_pool
from tests.encoders.small_models import NORMAL, RESNET, clip, images, scramble
from trmml.encoders.modified_resnet import ModifiedResNetTower


def linear(layer: nn.Linear) -> tuple[list[list[float]], list[float]]:
    return layer.weight.tolist(), layer.bias.tolist()


def layer_4(visual: Any, pixels: torch.Tensor) -> torch.Tensor:
    found = []
    handle = visual.layer4.register_forward_hook(lambda *call: found.append(call[2]))
    with torch.no_grad():
        visual(pixels)
    handle.remove()
    return found[0]


def test_dense_features_are_the_attention_pools_projections_done_by_hand():
    model = clip(RESNET)
    tower = ModifiedResNetTower(model.visual, **NORMAL)
    pixels = images(64, 64)
    pool = model.visual.attnpool
    dense = tower(pixels).dense
    for image, found in zip(layer_4(model.visual, pixels), dense, strict=True):
        positions = image.flatten(1).T.tolist()
        expected = attention_pool.dense(positions, linear(pool.v_proj), linear(pool.c_proj))
        torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_the_pooled_feature_is_the_attention_pool_done_by_hand():
    model = clip(RESNET)
    tower = ModifiedResNetTower(model.visual, **NORMAL)
    pixels = images(64, 64, batch=1)
    pool = model.visual.attnpool
    expected = attention_pool.pooled(
        layer_4(model.visual, pixels)[0].flatten(1).T.tolist(),
        pool.positional_embedding.tolist(),
        linear(pool.q_proj),
        linear(pool.k_proj),
        linear(pool.v_proj),
        linear(pool.c_proj),
        pool.num_heads,
    )
    torch.testing.assert_close(tower(pixels).pooled[0], torch.tensor(expected, dtype=torch.float64))


def test_the_pooled_feature_is_encode_image_at_the_native_size():
    model = clip(RESNET)
    pixels = images(64, 64)
    expected = model.encode_image(pixels)
    pooled = ModifiedResNetTower(model.visual, **NORMAL)(pixels).pooled
    torch.testing.assert_close(pooled, expected)


def test_rn50_itself_at_another_size():
    visual = scramble(ModifiedResNet([3, 4, 6, 3], output_dim=1024, heads=32))
    tower = ModifiedResNetTower(visual, **NORMAL)
    features = tower(torch.randn(1, 3, 64, 96))
    assert features.dense.shape == (1, 6, 1024)
    assert features.pooled.shape == (1, 1024)
    assert features.grid == (2, 3)
    assert tower.dim == 1024
    assert tower.native_size == (224, 224)
    assert features.pooled.isfinite().all()


def test_a_position_is_entry_row_times_width_plus_column():
    tower = ModifiedResNetTower(clip(RESNET).visual, **NORMAL)
    pixels = images(96, 160, batch=1)
    changed = pixels.clone()
    changed[..., 64:, 128:] += 1  # the corner below on the right
    difference = (tower(pixels).dense - tower(changed).dense).norm(dim=-1)[0]
    assert tower(pixels).grid == (3, 5)
    assert difference.argmax() == 2 * 5 + 4


def test_dense_features_alone_are_the_same_and_leave_the_pool_out(monkeypatch: pytest.MonkeyPatch):
    tower = ModifiedResNetTower(clip(RESNET).visual, **NORMAL)
    pixels = images(64, 96)
    expected = tower(pixels)

    def refuse(_: torch.Tensor) -> None:
        raise RuntimeError("attention was computed")

    monkeypatch.setattr(tower.visual.attnpool, "forward", refuse)
    dense, grid = tower.encode_dense(pixels)
    assert torch.equal(dense, expected.dense)
    assert grid == expected.grid
    with pytest.raises(RuntimeError, match="attention was computed"):
        tower(pixels)


def test_dense_features_ignore_the_position_table():
    visual = clip(RESNET).visual
    tower = ModifiedResNetTower(visual, **NORMAL)
    pixels = images(64, 64)
    before = tower(pixels)
    visual.attnpool.positional_embedding += 1
    after = tower(pixels)
    assert torch.equal(before.dense, after.dense)
    assert not torch.allclose(before.pooled, after.pooled)


def test_rn101_at_448_costs_the_multiply_adds_of_its_trunk_and_two_projections():
    with torch.device("meta"):
        vision = CLIPVisionCfg(layers=(3, 4, 23, 3), width=64, image_size=224)
        model = CLIP(512, vision, CLIPTextCfg(layers=1))
        tower = ModifiedResNetTower(model.visual, **NORMAL)
        with FlopCounterMode(display=False) as counter:
            tower.encode_dense(torch.empty(1, 3, 448, 448))
    # 36.32 G of the trunk, and 196 positions through 2048 x 2048 and 2048 x 512
    projections = 196 * 2048 * (2048 + 512)
    assert counter.get_total_flops() / 2 == pytest.approx(36.32e9 + projections, rel=1e-3)


@pytest.mark.parametrize("size", [(64, 70), (33, 64), (0, 64)])
def test_a_size_that_is_no_multiple_of_32_is_refused(size: tuple[int, int]):
    tower = ModifiedResNetTower(clip(RESNET).visual, **NORMAL)
    with pytest.raises(ValueError, match=rf"`images` must .* 32 .*, got {size[0]} x {size[1]}"):
        tower(images(*size))


def test_an_empty_batch():
    features = ModifiedResNetTower(clip(RESNET).visual, **NORMAL)(images(64, 96, batch=0))
    assert features.dense.shape == (0, 6, 24)
    assert features.pooled.shape == (0, 24)
