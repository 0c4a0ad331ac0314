import pytest
import torch

from tests.own_towers.small import imagenet_tower
from trmml.encoders import ImageEncoder, fingerprint

IMAGES = torch.linspace(-1, 1, 2 * 3 * 64 * 96).reshape(2, 3, 64, 96)


def mixture(tower, x):
    """Mix the texts of the classes, one at a time, by how likely the classifier finds them."""
    last = tower.classifier.classifier
    lines = zip(last.weight, last.bias, strict=True)
    powers = [float(torch.exp(weight @ x + bias)) for weight, bias in lines]
    return sum(power / sum(powers) * text for power, text in zip(powers, tower.texts, strict=True))


def test_each_position_is_a_mixture_of_texts():
    tower = imagenet_tower(["a", "b", "c"])
    found = tower(IMAGES)
    map_ = tower.classifier.forward_features(IMAGES)
    assert found.grid == (2, 3)
    for image in range(2):
        for row in range(2):
            for column in range(3):
                expected = mixture(tower, map_[image, :, row, column])
                position = found.dense[image, 3 * row + column]
                torch.testing.assert_close(position, expected, rtol=0, atol=1e-5)
        expected = mixture(tower, map_[image].mean(dim=(1, 2)))
        torch.testing.assert_close(found.pooled[image], expected, rtol=0, atol=1e-5)


def test_the_pooled_feature_is_what_the_classifier_says():
    tower = imagenet_tower()
    expected = tower.classifier(IMAGES).softmax(dim=-1) @ tower.texts
    torch.testing.assert_close(tower(IMAGES).pooled, expected, rtol=0, atol=1e-5)


def test_it_keeps_the_protocol():
    tower = imagenet_tower()
    assert isinstance(tower, ImageEncoder)
    dense, grid = tower.encode_dense(IMAGES.half())
    assert dense.dtype == torch.half
    assert not dense.requires_grad
    torch.testing.assert_close(dense.float(), tower(IMAGES).dense, rtol=0, atol=1e-2)
    assert grid == tower(IMAGES).grid


def test_a_size_that_the_stride_does_not_divide_is_refused():
    with pytest.raises(ValueError, match=r"divisible by 32, got 64 x 80; resize"):
        imagenet_tower().encode_dense(torch.zeros(1, 3, 64, 80))


def test_rounding_of_the_texts_is_no_other_tower_but_another_sentence_is():
    tower = imagenet_tower(["a photo of a cat"])
    before = fingerprint(tower)
    tower.texts.add_(1e-6)
    assert fingerprint(tower) == before
    tower.sentences[-1] += 1
    assert fingerprint(tower) != before
