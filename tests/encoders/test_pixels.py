import pytest
import torch

from tests.random_clip import random_pair
from trmml.encoders import load_tiny, normalize_pixels


def test_pixels_become_what_the_tower_was_trained_on() -> None:
    encoder = load_tiny().image
    pixels = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    normalized = normalize_pixels(pixels, encoder)
    for channel in range(3):
        expected = (pixels[1, channel, 2, 3] / 255 - encoder.mean[channel]) / encoder.std[channel]
        assert normalized[1, channel, 2, 3].item() == pytest.approx(expected.item())


def test_one_image_or_many() -> None:
    encoder = random_pair().image
    pixels = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    assert torch.equal(normalize_pixels(pixels, encoder)[1], normalize_pixels(pixels[1], encoder))
