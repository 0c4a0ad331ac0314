import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from tests.data.picture_modes import picture
from trmml.data import ImageTable, to_rgb
from trmml.data.transforms import (
    CLIP_MEAN,
    CLIP_STD,
    TRANSFORM_RECIPES,
    RandomCutout,
    RandomOperationPair,
    build_transform,
)


@pytest.fixture
def image():
    noise = np.random.RandomState(0).randint(0, 256, (30, 50, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((100, 60), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("recipe", sorted(TRANSFORM_RECIPES))
@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("size", [33, 56])
def test_any_photograph_becomes_a_square_float_tensor(recipe, train, size, image):
    transform = build_transform(recipe, train=train, size=size, mean=CLIP_MEAN, std=CLIP_STD)
    for photograph in (image, image.rotate(90, expand=True), Image.new("RGB", (1, 1))):
        tensor = transform(photograph)
        assert type(tensor) is not Image.Image
        assert (tuple(tensor.shape), tensor.dtype) == ((3, size, size), torch.float32)
        assert bool(tensor.isfinite().all())


@pytest.mark.parametrize("mode", ["LA", "P", "RGBA", "I;16", "CMYK"])
def test_a_picture_of_any_mode_is_taken_as_decoding_takes_it(mode):
    transform = build_transform(train=False, size=20, mean=CLIP_MEAN, std=CLIP_STD)
    assert torch.equal(transform(picture(mode)), transform(to_rgb(picture(mode))))


@pytest.mark.parametrize("recipe", sorted(TRANSFORM_RECIPES))
def test_testing_is_deterministic_and_training_is_not(recipe, image):
    test = build_transform(recipe, train=False, size=40, mean=None, std=None)
    assert torch.equal(test(image), test(image))
    train = build_transform(recipe, train=True, size=40, mean=None, std=None)
    assert len({train(image).sum().item() for _ in range(20)}) > 1


@pytest.mark.parametrize(
    ("recipe", "how"),
    [("tai-dpt", "BICUBIC"), ("hcp", "BICUBIC"), ("asl", "BILINEAR"), ("spml", "BILINEAR")],
)
def test_the_test_resize_is_the_recipes_own(recipe, how, image):
    found = build_transform(recipe, train=False, size=40, mean=None, std=None)(image)
    expected = np.asarray(image.resize((40, 40), Image.Resampling[how]))
    assert np.array_equal((found * 255).round().byte().permute(1, 2, 0).numpy(), expected)


def test_normalisation_is_the_encoders(image):
    raw = build_transform("spml", train=False, size=8, mean=None, std=None)(image)
    assert 0 <= float(raw.min()) <= float(raw.max()) <= 1
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    found = build_transform("spml", train=False, size=8, mean=mean, std=std)(image)
    for c in range(3):
        assert torch.allclose(found[c], (raw[c] - mean[c]) / std[c], atol=1e-6)


def kinds(recipe):
    return [type(step) for step in TRANSFORM_RECIPES[recipe](True, 448)]


def test_the_steps_of_the_asl_family():
    assert kinds("asl") == [v2.Resize, RandomCutout, RandomOperationPair]
    assert TRANSFORM_RECIPES["asl"](True, 448)[1].factor == 0.5


def test_the_steps_of_spml():
    assert kinds("spml") == [v2.Resize, v2.RandomHorizontalFlip]


def test_the_steps_and_crops_of_hcp():
    assert kinds("hcp") == [v2.Resize, v2.RandomChoice, v2.Resize, v2.RandomHorizontalFlip]
    squeeze, crops, back, _ = TRANSFORM_RECIPES["hcp"](True, 448)
    assert (tuple(squeeze.size), tuple(back.size)) == ((512, 512), (448, 448))
    assert [crop.size for crop in crops.transforms] == [(s, s) for s in (512, 448, 384, 320, 256)]


def test_the_steps_of_tai_dpt():
    assert kinds("tai-dpt") == [v2.RandomChoice, v2.RandomChoice, v2.RandomHorizontalFlip]
    start, policies, _ = TRANSFORM_RECIPES["tai-dpt"](True, 448)
    crop, cover = start.transforms
    assert (crop.size, crop.scale, crop.ratio) == ((448, 448), (0.5, 1.0), (3 / 4, 4 / 3))
    assert crop.interpolation == v2.InterpolationMode.BICUBIC
    assert cover.transforms[1].factor == 0.4
    assert sum(len(policy._policies) for policy in policies.transforms) == 50


def test_it_works_in_a_table(image, tmp_path):
    image.save(tmp_path / "a.png")
    transform = build_transform(train=True, size=32, mean=CLIP_MEAN, std=CLIP_STD)
    table = ImageTable(tmp_path, ["a.png"], torch.ones(1, 1), ["cat"], transform=transform)
    assert table[0][0].shape == (3, 32, 32)


def test_bad_arguments(no_shape_checks):
    with pytest.raises(ValueError, match="`recipe` must be one of 'tai-dpt', 'asl', 'hcp', 'spml'"):
        build_transform("coop", train=True, mean=None, std=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`mean` and `std` must both be given or both be None"):
        build_transform(train=True, mean=CLIP_MEAN, std=None)
