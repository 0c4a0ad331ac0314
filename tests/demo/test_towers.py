import pytest

from tests.random_clip import random_pair
from trmml.demo.images import IMAGE_SIZE
from trmml.demo.towers import fast_caution, photograph_caution, photograph_size
from trmml.encoders import EncoderPair, EncoderSource, load_tiny


class Sizeless:
    """An image tower that says nothing of the size of its images."""


def with_source(family: str) -> EncoderPair:
    return random_pair()._replace(source=EncoderSource(family, "name", None))


def test_towers_that_name_a_size_get_it_and_others_that_of_scenes() -> None:
    pair = with_source("open_clip")
    assert photograph_size(pair) == pair.image.image_size[0] != IMAGE_SIZE  # pyright: ignore[reportAttributeAccessIssue]
    assert photograph_size(with_source("custom")) == photograph_size(pair)
    assert photograph_size(load_tiny()) == IMAGE_SIZE
    assert photograph_size(pair._replace(image=Sizeless())) == IMAGE_SIZE  # pyright: ignore[reportArgumentType]


def test_figures_on_photographs_mean_nothing_by_towers_that_saw_none() -> None:
    caution = photograph_caution(load_tiny().source)
    assert caution is not None
    assert caution.startswith("The numbers below mean nothing: ")
    assert "--encoder" in caution
    assert photograph_caution(EncoderSource("open_clip", "RN50", "openai")) is None
    assert photograph_caution(EncoderSource("custom", "mine", None)) is None


@pytest.mark.parametrize(
    ("zero_shot", "dense", "under"),
    [(0.5, 0.1, True), (0.1, 0.5, True), (0.3, 0.3, False), (0.1, 0.2, False)],
)
def test_a_short_run_says_why_it_is_under_zero_shot(
    zero_shot: float, dense: float, under: bool
) -> None:
    report = {
        "map": {"zero_shot": zero_shot, "zero_shot_dense": dense, "trmml": 0.3},
        "known_share": 0.1,
        "num_train": 60,
        "class_names": ["a"] * 30,
        "recipe": {"epochs": 4},
    }
    caution = fast_caution(report)
    assert (caution is not None) == under
    if caution is not None:
        assert "4 epochs of 60 images with 180 known labels" in caution
