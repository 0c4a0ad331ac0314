import pytest
import torch

from tests.random_clip import random_pair
from trmml.encoders import EncoderSource, load_encoders, load_open_clip


def test_what_changes_the_numbers_is_remembered_and_asked_for_again() -> None:
    half = (0.5, 0.5, 0.5)
    pair = load_open_clip("ViT-S-32", quick_gelu=True, mean=half, std=half, dense_path="tokens")
    assert pair.source.options == {
        "quick_gelu": True,
        "mean": half,
        "std": half,
        "dense_path": "tokens",
    }
    again = load_encoders(pair.source, image_size=64)
    assert again.source == pair.source
    assert again.image.mean == half
    again.image.load_state_dict(pair.image.state_dict())  # pyright: ignore[reportAttributeAccessIssue]
    images = torch.randn(1, 3, 64, 64)
    assert torch.equal(again.image(images).dense, pair.image(images).dense)


def test_defaults_are_not_written_down() -> None:
    assert load_open_clip("ViT-S-32").source == EncoderSource("open_clip", "ViT-S-32", None)


def test_a_pair_made_by_hand_cannot_be_loaded() -> None:
    with pytest.raises(ValueError, match=r"`source` must name a family.*'custom'"):
        load_encoders(random_pair().source)
