# ruff: noqa: ANN401 - open_clip and timm ship no stubs
from typing import Any

import pytest
import torch
from open_clip.transformer import VisionTransformer
from torch import Tensor

from tests.encoders.small_models import NORMAL, TRANSFORMER, clip, images
from trmml.encoders.vision_transformer import VisionTransformerTower

MEAN_POOLED = {**TRANSFORMER, "pool_type": "avg"}
VARIANTS = {
    "class token": TRANSFORMER,
    "mean of patches": MEAN_POOLED,
    "mean, then norm, no first norm": {  # CLIPA
        **MEAN_POOLED,
        "final_ln_after_pool": True,
        "no_ln_pre": True,
    },
    "layer scale": {**TRANSFORMER, "ls_init_value": 0.1},
    "fixed positions": {**TRANSFORMER, "pos_embed_type": "sin_cos_2d"},
    "oblong": {**TRANSFORMER, "image_size": (32, 48)},
    "custom blocks": {**TRANSFORMER, "scale_attn": True, "scale_fc": True},
}


def last_block_input(visual: Any, pixels: Tensor) -> Tensor:
    found = []
    last = visual.transformer.resblocks[-1]
    handle = last.register_forward_hook(lambda *call: found.append(call[1][0]))
    visual(pixels)
    handle.remove()
    return found[0]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_pooled_feature_is_encode_image_at_the_native_size(variant: str):
    model = clip(VARIANTS[variant])
    path = "tokens" if variant == "custom blocks" else None
    pixels = images(*model.visual.image_size)
    expected = model.encode_image(pixels)
    tower = VisionTransformerTower(model.visual, **NORMAL, dense_path=path)
    features = tower(pixels)
    torch.testing.assert_close(features.pooled, expected)
    assert features.grid == model.visual.grid_size
    assert features.dense.shape == (2, features.grid[0] * features.grid[1], 24)


@pytest.mark.parametrize("variant", ["class token", "layer scale"])
def test_the_value_path_is_the_last_attention_on_each_patch_alone(variant: str):
    visual = clip(VARIANTS[variant]).visual
    pixels = images(32, 32)
    last = visual.transformer.resblocks[-1]
    patches = last_block_input(visual, pixels)[:, 1:]
    alone = last.ln_1(patches).reshape(-1, 1, 32)
    values = last.ls_1(last.attn(alone, alone, alone)[0]).reshape(patches.shape)
    expected = visual.ln_post(values) @ visual.proj
    tower = VisionTransformerTower(visual, **NORMAL, dense_path="value")
    torch.testing.assert_close(tower(pixels).dense, expected)


def test_tokens_are_the_final_ones_in_the_joint_space():
    visual = clip(TRANSFORMER).visual
    pixels = images(32, 32)
    (final,) = visual.forward_intermediates(
        pixels, indices=1, normalize_intermediates=True, intermediates_only=True, output_fmt="NLC"
    )["image_intermediates"]
    tower = VisionTransformerTower(visual, **NORMAL, dense_path="tokens")
    torch.testing.assert_close(tower(pixels).dense, final @ visual.proj)


def test_the_mean_of_the_tokens_is_the_pooled_feature_of_a_mean_pooled_tower():
    tower = VisionTransformerTower(clip(MEAN_POOLED).visual, **NORMAL)
    assert tower.dense_path == "tokens"
    features = tower(images(32, 32))
    torch.testing.assert_close(features.dense.mean(dim=1), features.pooled)


def test_the_default_path_goes_by_what_the_tower_pools():
    assert VisionTransformerTower(clip(TRANSFORMER).visual, **NORMAL).dense_path == "value"
    mean_pooled = clip(MEAN_POOLED).visual
    chosen = VisionTransformerTower(mean_pooled, **NORMAL, dense_path="value")
    assert chosen.dense_path == "value"


@pytest.mark.parametrize("path", ["value", "tokens"])
def test_dense_features_alone_are_the_same(path: Any):
    tower = VisionTransformerTower(clip(TRANSFORMER).visual, **NORMAL, dense_path=path)
    pixels = images(24, 40)
    dense, grid = tower.encode_dense(pixels)
    assert grid == tower(pixels).grid == (3, 5)
    torch.testing.assert_close(dense, tower(pixels).dense)


def test_the_value_path_leaves_the_last_block_out(monkeypatch: pytest.MonkeyPatch):
    visual = clip(TRANSFORMER).visual
    tower = VisionTransformerTower(visual, **NORMAL)

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("the last block was computed")

    monkeypatch.setattr(visual.transformer.resblocks[-1], "forward", refuse)
    tower.encode_dense(images(32, 32))
    with pytest.raises(RuntimeError, match="the last block was computed"):
        tower(images(32, 32))


def test_a_position_is_entry_row_times_width_plus_column():
    visual = clip({**TRANSFORMER, "layers": 1}).visual  # one block: no mixing before its values
    tower = VisionTransformerTower(visual, **NORMAL)
    pixels = images(24, 40, batch=1)
    changed = pixels.clone()
    changed[..., 16:, 8:16] += 1
    difference = (tower(pixels).dense - tower(changed).dense).norm(dim=-1)[0]
    assert difference.nonzero().tolist() == [[2 * 5 + 1]]


def test_a_larger_image_of_the_same_texture_looks_the_same():
    visual = clip({**TRANSFORMER, "layers": 1}).visual
    visual.positional_embedding.data[1:] = visual.positional_embedding.data[1]
    tower = VisionTransformerTower(visual, **NORMAL)
    tile = images(8, 8, batch=1)
    small, large = tower(tile.repeat(1, 1, 4, 4)).dense, tower(tile.repeat(1, 1, 6, 9)).dense
    torch.testing.assert_close(large, small[:, :1].expand(-1, 54, -1))


def test_b_32_itself_at_another_size():
    visual = VisionTransformer(224, 32, 768, 12, 12, 4.0, output_dim=512)
    features = VisionTransformerTower(visual, **NORMAL)(images(64, 96, batch=1).float())
    assert features.dense.shape == (1, 6, 512)
    assert features.grid == (2, 3)
    assert features.dense.isfinite().all()


@pytest.mark.parametrize("size", [(32, 33), (4, 32)])
def test_a_size_that_is_no_multiple_of_the_patch_is_refused(size: tuple[int, int]):
    tower = VisionTransformerTower(clip(TRANSFORMER).visual, **NORMAL)
    with pytest.raises(ValueError, match=rf"divisible by 8 .*, got {size[0]} x {size[1]}"):
        tower(images(*size))


@pytest.mark.parametrize(
    "coca", [{"attentional_pool": True}, {"attentional_pool": "cascade"}, {"output_tokens": True}]
)
def test_a_coca_tower_is_refused(coca: dict[str, Any]):
    visual = clip({**TRANSFORMER, **coca}).visual
    with pytest.raises(ValueError, match=r"`visual` must pool .* CoCa family"):
        VisionTransformerTower(visual, **NORMAL)


def test_custom_blocks_have_no_value_path():
    visual = clip(VARIANTS["custom blocks"]).visual
    with pytest.raises(ValueError, match="must be 'tokens' for a tower of CustomResidual"):
        VisionTransformerTower(visual, **NORMAL)


def test_an_unknown_path_is_refused():
    path: Any = "keys"
    with pytest.raises((ValueError, TypeError), match="dense_path"):
        VisionTransformerTower(clip(TRANSFORMER).visual, **NORMAL, dense_path=path)


def test_an_empty_batch():
    features = VisionTransformerTower(clip(TRANSFORMER).visual, **NORMAL)(images(32, 32, batch=0))
    assert features.dense.shape == (0, 16, 24)
    assert features.pooled.shape == (0, 24)
