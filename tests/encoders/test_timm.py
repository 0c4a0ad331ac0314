from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from trmml.encoders import ImageEncoder, TimmImageEncoder

# name, stride
BACKBONES = [("test_resnet", 32), ("test_convnext", 32), ("test_vit", 16), ("test_vit3", 16)]


@pytest.mark.parametrize(("name", "stride"), BACKBONES)
def test_dense_features_pooled_ones_and_grid(name: str, stride: int):
    encoder = TimmImageEncoder(name, dim=6)
    features = encoder(torch.randn(2, 3, 3 * stride, 5 * stride))
    assert isinstance(encoder, ImageEncoder)
    assert features.dense.shape == (2, 15, 6)
    assert features.grid == (3, 5)
    torch.testing.assert_close(features.pooled, features.dense.mean(dim=1))


def test_a_convnets_map_is_projected_at_each_position():
    encoder = TimmImageEncoder("test_resnet", dim=6)
    images = torch.randn(2, 3, 64, 96)
    final = encoder.backbone.visual.forward_features(images)  # pyright: ignore[reportCallIssue]
    expected = final.flatten(2).transpose(1, 2) @ encoder.projection.weight.T
    torch.testing.assert_close(encoder(images).dense, expected)


def test_a_transformers_final_patches_are_projected():
    encoder = TimmImageEncoder("test_vit", dim=6)
    images = torch.randn(2, 3, 160, 160)
    final = encoder.backbone.visual.forward_features(images)  # pyright: ignore[reportCallIssue]
    torch.testing.assert_close(encoder(images).dense, encoder.projection(final[:, 1:]))


def test_rotary_positions_follow_the_grid():
    encoder = TimmImageEncoder("eva02_tiny_patch14_224", dim=6)
    assert encoder(torch.randn(1, 3, 28, 42)).grid == (2, 3)
    assert encoder(torch.randn(1, 3, 42, 28)).grid == (3, 2)


def test_the_projection_alone_learns():
    encoder = TimmImageEncoder("test_resnet", dim=6)
    encoder(torch.randn(2, 3, 64, 64)).pooled.square().sum().backward()
    learning = [name for name, p in encoder.named_parameters() if p.requires_grad]
    assert learning == ["projection.weight"]
    gradient = encoder.projection.weight.grad
    assert gradient is not None
    assert gradient.abs().sum() > 0


def test_the_backbone_stays_in_eval_mode():
    encoder = TimmImageEncoder("test_resnet", dim=6).train()
    assert encoder.training
    assert not any(module.training for module in encoder.backbone.modules())


def test_normalisation_is_the_backbones():
    encoder = TimmImageEncoder("test_vit", dim=6)
    assert encoder.mean == (0.5, 0.5, 0.5)
    assert encoder.std == (0.5, 0.5, 0.5)


def test_weights_from_a_file(tmp_path: Path):
    source = timm.create_model("test_resnet")
    path = tmp_path / "weights.pth"
    torch.save(source.state_dict(), path)
    encoder = TimmImageEncoder("test_resnet", dim=6, pretrained=path)
    first = next(m for m in encoder.backbone.visual.modules() if isinstance(m, nn.Conv2d))
    expected = next(m for m in source.modules() if isinstance(m, nn.Conv2d))
    assert torch.equal(first.weight, expected.weight)


def test_a_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match=r"`pretrained` must be .* got 'nowhere.pth'"):
        TimmImageEncoder("test_resnet", dim=6, pretrained="nowhere.pth")


def test_an_unknown_backbone_is_told_its_neighbours():
    with pytest.raises(ValueError, match=r"got 'resnet_50'; the nearest are .*resnet50"):
        TimmImageEncoder("resnet_50", dim=6)


def test_a_backbone_of_one_size_is_refused():
    with pytest.raises(ValueError, match="images of any size, got Pooling"):
        TimmImageEncoder("pit_ti_224", dim=6)


def test_an_empty_joint_space_is_refused():
    with pytest.raises(ValueError, match="`dim` must be at least 1, got 0"):
        TimmImageEncoder("test_resnet", dim=0)


def test_a_size_that_is_no_multiple_of_the_stride_is_refused():
    with pytest.raises(ValueError, match="divisible by 16"):
        TimmImageEncoder("test_vit", dim=6)(torch.randn(1, 3, 40, 32))


@pytest.mark.parametrize("prefix", ["module.", "model._orig_mod."])
def test_weights_of_a_training_are_read(tmp_path: Path, prefix: str):
    source = timm.create_model("test_vit")
    state = {f"{prefix}{name}": value for name, value in source.state_dict().items()}
    path = tmp_path / "checkpoint"
    torch.save({"state_dict": state}, path)
    found = TimmImageEncoder("test_vit", dim=6, pretrained=path).backbone.visual.state_dict()
    for name, value in found.items():
        assert torch.equal(value, source.state_dict()[name])


def test_weights_that_are_missing_are_counted(tmp_path: Path):
    state = timm.create_model("test_resnet").state_dict()
    del state["conv1.0.weight"]
    path = tmp_path / "weights.pth"
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"1 missing, such as 'conv1\.0\.weight'; check the arch"):
        TimmImageEncoder("test_resnet", dim=6, pretrained=path)


def test_a_prefix_that_nobody_knows_is_named(tmp_path: Path):
    state = timm.create_model("test_vit").state_dict()
    path = tmp_path / "weights.pth"
    torch.save({f"student.{name}": value for name, value in state.items()}, path)
    with pytest.raises(ValueError, match=r"missing, such as .* begin with 'student\.'"):
        TimmImageEncoder("test_vit", dim=6, pretrained=path)


def test_weights_of_another_backbone_are_refused(tmp_path: Path):
    path = tmp_path / "weights.pth"
    torch.save(timm.create_model("test_vit2").state_dict(), path)
    with pytest.raises(
        ValueError, match=r"must hold the weights of test_vit, got .*check the arch"
    ):
        TimmImageEncoder("test_vit", dim=6, pretrained=path)


def test_weights_that_are_not_finite_are_named(tmp_path: Path):
    state = timm.create_model("test_vit").state_dict()
    state["norm.weight"][0] = torch.inf
    path = tmp_path / "weights.pth"
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"finite weights, got 1 of \d+ numbers of 'norm\.weight'"):
        TimmImageEncoder("test_vit", dim=6, pretrained=path)
