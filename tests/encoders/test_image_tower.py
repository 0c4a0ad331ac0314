# ruff: noqa: ANN401 - open_clip and timm ship no stubs
from typing import Any

import pytest
import torch

from tests.encoders.small_models import NORMAL, RESNET, TRANSFORMER, clip, images, timm_visual
from trmml.encoders import ImageEncoder
from trmml.encoders.image_tower import ImageTower
from trmml.encoders.modified_resnet import ModifiedResNetTower
from trmml.encoders.timm_tower import TimmTower
from trmml.encoders.vision_transformer import VisionTransformerTower

FAMILIES = ["resnet", "transformer", "timm"]


def tower(family: str, **options: Any) -> ImageTower:
    if family == "resnet":
        return ModifiedResNetTower(clip(RESNET).visual, **NORMAL, **options)
    if family == "transformer":
        return VisionTransformerTower(clip(TRANSFORMER).visual, **NORMAL, **options)
    visual = timm_visual("test_convnext", 160, pool="", proj="linear")
    return TimmTower(visual, **NORMAL, **options)


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


def test_it_keeps_the_protocol(family: str):
    assert isinstance(tower(family), ImageEncoder)
    assert tower(family).dim == 24


def test_no_gradient_reaches_images_or_weights(family: str):
    encoder = tower(family)
    pixels = images(64, 64).requires_grad_()
    features = encoder(pixels)
    assert not features.dense.requires_grad
    assert not features.pooled.requires_grad
    assert not any(p.requires_grad for p in encoder.parameters())


def test_features_can_be_learnt_from(family: str):
    dense, _ = tower(family).encode_dense(images(64, 64))
    weight = torch.ones(24, dtype=torch.float64, requires_grad=True)
    (dense * weight).sum().backward()  # would fail for tensors made in inference mode
    assert weight.grad is not None


def test_training_mode_changes_nothing(family: str):
    encoder = tower(family)
    pixels = images(64, 64)
    before = encoder(pixels)
    parent = torch.nn.ModuleList([encoder]).train()
    assert parent.training
    assert not any(module.training for module in encoder.modules())
    assert torch.equal(encoder(pixels).dense, before.dense)


def test_channels_last_gives_the_same_numbers(family: str):
    plain, last = tower(family), tower(family, channels_last=True)
    last.load_state_dict(plain.state_dict())
    pixels = images(64, 96)
    torch.testing.assert_close(last(pixels).dense, plain(pixels).dense)
    torch.testing.assert_close(last(pixels).pooled, plain(pixels).pooled)


def test_autocast_keeps_the_dtype_of_the_images(family: str):
    plain, fast = tower(family).float(), tower(family, autocast_dtype=torch.bfloat16).float()
    fast.load_state_dict(plain.state_dict())
    pixels = images(64, 64).float()
    dense = fast(pixels).dense
    assert dense.dtype == torch.float32
    assert not torch.equal(dense, plain(pixels).dense)
    assert torch.cosine_similarity(dense, plain(pixels).dense, dim=-1).min() > 0.99


def test_the_autocast_of_a_training_loop_reaches_the_tower(family: str):
    plain, fast = tower(family).float(), tower(family, autocast_dtype=torch.bfloat16).float()
    fast.load_state_dict(plain.state_dict())
    pixels = images(64, 64).float()
    with torch.autocast("cpu", torch.bfloat16):
        inside = plain(pixels).dense
    assert torch.equal(inside, fast(pixels).dense)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_weights_take_float_images(family: str, dtype: torch.dtype):
    features = tower(family).to(dtype)(images(64, 64).float())
    assert features.dense.dtype == features.pooled.dtype == torch.float32
    assert features.dense.isfinite().all()
    assert features.pooled.isfinite().all()


def test_the_image_size_is_at_first_the_towers_own_and_can_be_chosen(family: str):
    encoder = tower(family)
    assert encoder.image_size == encoder.native_size
    encoder.set_image_size(128)
    assert encoder.image_size == (128, 128)
    with pytest.raises(ValueError, match="divisible by"):
        encoder.set_image_size(129)


@pytest.mark.usefixtures("no_shape_checks")
def test_it_compiles_without_a_graph_break(family: str):
    encoder = tower(family)
    compiled = torch.compile(encoder, fullgraph=True, backend="eager")
    pixels = images(32, 96)
    torch.testing.assert_close(compiled(pixels).dense, encoder(pixels).dense)
    torch.testing.assert_close(compiled(pixels).pooled, encoder(pixels).pooled)
