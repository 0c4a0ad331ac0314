# ruff: noqa: ANN401 - open_clip and timm ship no stubs
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from timm.models.eva import Eva
from torch import Tensor, nn

from tests.encoders.small_models import NORMAL, images, scramble, timm_visual
from trmml.encoders.timm_tower import TimmTower

# name, native size, stride, options of open_clip's TimmModel
TOWERS: dict[str, tuple[str, int, int, dict[str, Any]]] = {
    "ConvNeXt": ("test_convnext", 160, 32, {"pool": "", "proj": "linear"}),
    "ConvNeXt with an mlp": ("test_convnext", 160, 32, {"pool": "", "proj": "mlp"}),
    "FastViT": ("fastvit_t8", 256, 32, {"pool": "avg", "proj": None}),
    "ViT by its class token": ("test_vit", 160, 16, {"pool": "token", "proj": None}),
    "ViT by its mean": ("test_vit2", 160, 16, {"pool": "", "proj": "linear"}),
    "SigLIP": ("test_vit3", 160, 16, {"pool": "map", "proj": "none"}),
}
SMALL_EVA = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 3, "num_heads": 2}


class Visual(nn.Module):
    """As open_clip's TimmModel, around a trunk that timm has no name for."""

    def __init__(self, trunk: nn.Module, image_size: int) -> None:
        super().__init__()
        self.trunk, self.head, self.image_size = trunk, nn.Sequential(), (image_size,) * 2

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.trunk(x))


def eva(**options: Any) -> Any:
    trunk = Eva(num_classes=24, **{**SMALL_EVA, "global_pool": "token", **options})
    return scramble(Visual(trunk, 32)).double()


def rotary_eva(**options: Any) -> Any:  # as EVA-02
    return eva(use_rot_pos_emb=True, ref_feat_shape=(4, 4), qkv_fused=False, **options)


def build(family: str) -> tuple[Any, int, int]:
    if family == "EVA":
        return eva(), 32, 8
    if family == "EVA-02":
        return rotary_eva(scale_mlp=True, swiglu_mlp=True), 32, 8
    if family == "PE":
        return rotary_eva(global_pool="map", attn_type="rope"), 32, 8
    name, size, stride, options = TOWERS[family]
    return timm_visual(name, size, **options), size, stride


FAMILIES = [*TOWERS, "EVA", "EVA-02", "PE"]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_pooled_feature_is_the_models_own_at_the_native_size(family: str):
    visual, size, stride = build(family)
    pixels = images(size, size, batch=1)
    expected = visual(pixels)
    tower = TimmTower(visual, **NORMAL)
    features = tower(pixels)
    torch.testing.assert_close(features.pooled, expected)
    assert tower.native_size == (size, size)
    assert features.grid == (size // stride, size // stride)
    assert features.dense.shape == (1, (size // stride) ** 2, tower.dim)
    assert features.pooled.shape == (1, tower.dim)


@pytest.mark.parametrize("family", FAMILIES)
def test_dense_features_alone_are_the_same_at_another_size(family: str):
    visual, size, stride = build(family)
    tower = TimmTower(visual, **NORMAL)
    pixels = images(2 * stride, 3 * stride, batch=1)
    features = tower(pixels)
    dense, grid = tower.encode_dense(pixels)
    torch.testing.assert_close(dense, features.dense)
    assert grid == features.grid == (2, 3)
    assert dense.shape == (1, 6, tower.dim)
    assert features.pooled.isfinite().all()
    native = images(size, size, batch=1)
    torch.testing.assert_close(tower(native).pooled, visual(native))  # and back again


def test_convnext_norms_and_projects_each_position():
    visual = build("ConvNeXt")[0]
    pixels = images(64, 96)
    final, norm = visual.trunk.forward_features(pixels), visual.trunk.head.norm
    positions = final.flatten(2).transpose(1, 2)
    normed = F.layer_norm(positions, (64,), norm.weight, norm.bias, norm.eps)
    expected = normed @ visual.head.proj.weight.T
    torch.testing.assert_close(TimmTower(visual, **NORMAL)(pixels).dense, expected)


def test_the_mean_of_a_linear_head_is_the_pooled_feature():
    features = TimmTower(build("FastViT")[0], **NORMAL)(images(64, 96, batch=1))
    torch.testing.assert_close(features.dense.mean(dim=1), features.pooled)


def test_siglip_gives_what_its_pool_gives_an_image_of_one_position():
    visual = build("SigLIP")[0]
    pixels, trunk = images(160, 160, batch=1), visual.trunk
    patches = trunk.forward_features(pixels)[:, trunk.num_prefix_tokens :]
    alone = patches.reshape(-1, 1, patches.shape[-1])
    expected = visual.head(trunk.head(trunk.fc_norm(trunk.attn_pool(alone))))
    tower = TimmTower(visual, **NORMAL)
    assert tower.dense_path is None
    torch.testing.assert_close(tower(pixels).dense[0], expected)


@pytest.mark.parametrize("family", ["ViT by its class token", "EVA", "EVA-02"])
def test_the_value_path_is_the_last_attention_on_each_patch_alone(family: str):
    visual, size, _ = build(family)
    pixels, trunk = images(size, size, batch=1), visual.trunk
    last, found = trunk.blocks[-1], []
    handle = last.register_forward_hook(lambda *call: found.append(call[1][0]))
    visual(pixels)
    handle.remove()
    alone = last.norm1(found[0][0, trunk.num_prefix_tokens :]).unsqueeze(1)
    values = last.ls1(last.attn(alone)) if hasattr(last, "ls1") else last.attn(alone)
    expected = trunk.head(trunk.norm(values))[:, 0]
    tower = TimmTower(visual, **NORMAL)
    assert tower.dense_path == "value"
    torch.testing.assert_close(tower(pixels).dense[0], expected)


def test_layer_scale_of_an_eva_counts():
    visual = eva(init_values=0.5)
    pixels = images(32, 32)
    before = TimmTower(visual, **NORMAL)(pixels).dense
    visual.trunk.blocks[-1].gamma_1 *= torch.rand(32, dtype=torch.float64)
    assert not torch.allclose(TimmTower(visual, **NORMAL)(pixels).dense, before)


def test_tokens_are_the_final_ones_through_the_head():
    visual, size, _ = build("ViT by its class token")
    pixels, trunk = images(size, size, batch=1), visual.trunk
    expected = trunk.head(trunk.forward_features(pixels)[:, 1:])
    tower = TimmTower(visual, **NORMAL, dense_path="tokens")
    torch.testing.assert_close(tower(pixels).dense, expected)


def test_a_family_without_dense_features_says_so():
    visual = timm_visual("pit_ti_224", 224, pool="", proj="linear")
    with pytest.raises(ValueError, match=r"with dense features .*, got PoolingVisionTransformer"):
        TimmTower(visual, **NORMAL)


def test_a_pool_of_open_clips_own_is_refused():
    visual = timm_visual("test_convnext", 160, pool="rot_attn", proj="")
    with pytest.raises(ValueError, match="with their own pooling"):
        TimmTower(visual, **NORMAL)


def test_another_pooling_is_refused():
    visual = timm_visual("test_vit", 160, pool="max", proj="linear")
    with pytest.raises(ValueError, match=r"'avg', 'map' or 'token', got VisionTransformer .*'max'"):
        TimmTower(visual, **NORMAL)


@pytest.mark.parametrize("family", ["ConvNeXt", "SigLIP", "ViT by its mean"])
def test_a_choice_of_path_is_refused_where_there_is_none(family: str):
    with pytest.raises(ValueError, match=r"`dense_path` must be None.* got 'value'"):
        TimmTower(build(family)[0], **NORMAL, dense_path="value")


def test_a_block_that_norms_last_has_no_value_path():
    visual = eva(use_post_norm=True)
    with pytest.raises(ValueError, match="must be 'tokens' for a tower of EvaBlockPostNorm"):
        TimmTower(visual, **NORMAL)
    assert TimmTower(visual, **NORMAL, dense_path="tokens")(images(32, 32)).grid == (4, 4)
