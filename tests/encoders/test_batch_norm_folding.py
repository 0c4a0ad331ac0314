import copy

import torch
from torch import nn

from tests.encoders.small_models import NORMAL, RESNET, clip, images
from trmml.encoders import fingerprint
from trmml.encoders.batch_norm_folding import fold_batch_norms
from trmml.encoders.modified_resnet import ModifiedResNetTower


def tower() -> ModifiedResNetTower:
    return ModifiedResNetTower(clip(RESNET).visual, **NORMAL)


def count_batch_norms(module: nn.Module) -> int:
    return sum(isinstance(part, nn.BatchNorm2d) for part in module.modules())


def test_no_batch_norm_is_left_and_the_features_are_the_same():
    visual, pixels = clip(RESNET).visual, images(64, 64)
    folded = fold_batch_norms(visual)
    assert count_batch_norms(visual) == 3 + 4 * 4  # stem, and four blocks with a downsampling
    assert count_batch_norms(folded) == 0
    torch.testing.assert_close(folded(pixels), visual(pixels))


def test_only_a_batch_norm_behind_a_convolution_is_folded():
    module = nn.Sequential(
        nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.BatchNorm2d(4)
    )
    assert count_batch_norms(fold_batch_norms(module)) == 3  # that convolution has a bias


def test_half_precision_is_folded_in_single_and_rounded_once():
    visual = clip(RESNET).visual.bfloat16()
    half, single = fold_batch_norms(visual), fold_batch_norms(copy.deepcopy(visual).float())
    for name, weight in half.state_dict().items():
        assert torch.equal(weight, single.state_dict()[name].bfloat16()), name


def test_the_tower_keeps_its_own_weights():
    encoder = tower()
    before, names = fingerprint(encoder), set(encoder.state_dict())
    encoder(images(64, 64))
    assert fingerprint(encoder) == before
    assert set(encoder.state_dict()) == names
    assert count_batch_norms(encoder) == 19


def test_changed_weights_show_at_once():
    encoder, other = tower(), tower()
    pixels = images(64, 64)
    before = encoder(pixels).dense
    assert not torch.allclose(other(pixels).dense, before)
    encoder.load_state_dict(other.state_dict())
    torch.testing.assert_close(encoder(pixels).dense, other(pixels).dense, rtol=0, atol=0)
    with torch.no_grad():
        encoder.visual.bn1.running_mean.add_(1)  # pyright: ignore
    assert not torch.allclose(encoder(pixels).dense, other(pixels).dense)


def test_replaced_weights_show_at_once():
    encoder, other = tower(), tower()
    pixels = images(64, 64)
    encoder(pixels)
    encoder.load_state_dict(other.state_dict(), assign=True)
    torch.testing.assert_close(encoder(pixels).dense, other(pixels).dense, rtol=0, atol=0)


def test_it_follows_to_another_precision_and_back():
    encoder = tower()
    pixels = images(64, 64)
    expected = encoder(pixels).dense
    assert encoder.float()(pixels.float()).dense.dtype == torch.float32
    torch.testing.assert_close(encoder.double()(pixels).dense, expected, rtol=0, atol=1e-4)


def test_inference_mode_may_come_first():
    encoder = tower()
    pixels = images(64, 64)
    with torch.inference_mode():
        expected = encoder(pixels).dense
    found = encoder(pixels).dense.requires_grad_()
    torch.testing.assert_close(found, expected.clone())


def test_a_copy_follows_its_own_weights():
    encoder = tower()
    pixels = images(64, 64)
    expected = encoder(pixels).dense
    clone = copy.deepcopy(encoder)
    with torch.no_grad():
        clone.visual.bn1.running_mean.add_(1)  # pyright: ignore
    assert not torch.allclose(clone(pixels).dense, expected)
    torch.testing.assert_close(encoder(pixels).dense, expected, rtol=0, atol=0)


def test_the_pool_is_not_copied():
    visual = clip(RESNET).visual
    assert fold_batch_norms(visual, share=(visual.attnpool,)).attnpool is visual.attnpool
