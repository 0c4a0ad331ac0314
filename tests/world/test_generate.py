import hashlib
from typing import Any, Literal

import numpy as np
import pytest

from trmml.world import WORLD_CLASS_NAMES, Scenes, make_scenes, make_world


def fingerprint(scenes: Scenes) -> str:
    digest = hashlib.sha256(scenes.images.tobytes())
    digest.update(scenes.labels.tobytes())
    for boxes in scenes.boxes:
        digest.update(boxes.tobytes())
    return digest.hexdigest()[:16]


@pytest.mark.parametrize(
    ("regime", "expected"), [("scenes", "6c3fbb08c7cae907"), ("pretraining", "fc20c3c13803d331")]
)
def test_every_machine_draws_the_same_bytes(
    regime: Literal["scenes", "pretraining"], expected: str
) -> None:
    assert fingerprint(make_scenes(12, seed=7, regime=regime)) == expected


def test_captions_are_pinned_too() -> None:
    captions = make_scenes(3, seed=7, regime="pretraining").captions
    assert captions == (
        "there is a purple umbrella and a brown fence.",
        "in this picture, which was taken on a walk last year, "
        "you can see a red kite, a green tree and a green bottle.",
        "in this picture, which was taken on a walk last year, you can see a purple butterfly.",
    )


@pytest.mark.parametrize("regime", ["scenes", "pretraining"])
def test_a_scene_does_not_depend_on_how_many_are_made(
    regime: Literal["scenes", "pretraining"],
) -> None:
    few, many = (make_scenes(count, seed=1, regime=regime) for count in (2, 5))
    np.testing.assert_array_equal(few.images, many.images[:2])
    np.testing.assert_array_equal(few.labels, many.labels[:2])
    np.testing.assert_array_equal(few.boxes[1], many.boxes[1])


def test_making_scenes_leaves_the_global_random_state_alone() -> None:
    before: Any = np.random.get_state()
    make_scenes(1, seed=0)
    after: Any = np.random.get_state()
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2] == after[2]


def test_seeds_parts_and_regimes_share_no_scene() -> None:
    world = make_world(seed=3, num_train=4, num_validation=4, num_test=4)
    loose = [make_scenes(4, seed=seed) for seed in (3, 4)]
    plain = make_scenes(4, seed=3, regime="pretraining", image_size=256)
    parts = [world.train, world.validation, world.test, *loose, plain]
    pictures = {image.tobytes() for part in parts for image in part.images}
    assert len(pictures) == 4 * len(parts)


def test_a_part_does_not_change_with_the_size_of_the_others() -> None:
    small = make_world(seed=2, num_train=1, num_validation=0, num_test=3)
    large = make_world(seed=2, num_train=3, num_validation=2, num_test=3)
    np.testing.assert_array_equal(small.test.images, large.test.images)
    np.testing.assert_array_equal(small.train.images, large.train.images[:1])


@pytest.mark.parametrize(("regime", "size"), [("scenes", 256), ("pretraining", 128)])
def test_scenes_have_the_promised_form(regime: Literal["scenes", "pretraining"], size: int) -> None:
    scenes = make_scenes(3, seed=0, regime=regime)
    assert len(scenes) == 3
    assert scenes.images.shape == (3, 3, size, size)
    assert scenes.images.dtype == np.uint8
    assert scenes.labels.shape == (3, len(WORLD_CLASS_NAMES))
    assert scenes.labels.dtype == np.int8
    assert set(np.unique(scenes.labels)) == {-1, 1}
    assert scenes.class_names == WORLD_CLASS_NAMES
    assert (scenes.captions is None) == (regime == "scenes")


def test_no_scenes_is_an_empty_set_of_scenes() -> None:
    scenes = make_scenes(0, seed=0)
    assert len(scenes) == 0
    assert scenes.labels.shape == (0, len(WORLD_CLASS_NAMES))


def test_other_sizes_can_be_asked_for() -> None:
    assert make_scenes(1, seed=0, image_size=96).images.shape == (1, 3, 96, 96)


def test_class_names_are_different_words_in_alphabetical_order() -> None:
    assert len(WORLD_CLASS_NAMES) >= 20
    assert list(WORLD_CLASS_NAMES) == sorted(set(WORLD_CLASS_NAMES))


def test_progress_counts_scenes_over_all_parts() -> None:
    seen: list[int] = []
    make_world(seed=0, num_train=2, num_validation=1, num_test=2, progress=seen.append)
    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_scenes": -1, "seed": 0}, r"`num_scenes` must be at least 0, got -1"),
        ({"num_scenes": 1, "seed": -1}, r"`seed` must be in \[0, 2\*\*32\), got -1"),
        ({"num_scenes": 1, "seed": 2**32}, r"`seed` must be in"),
        ({"num_scenes": 1, "seed": 0, "image_size": 8}, r"`image_size` must be at least 32, got 8"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_scenes(**arguments)


@pytest.mark.usefixtures("no_shape_checks")
def test_an_unknown_regime_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="one of 'pretraining', 'scenes', got 'hard'"):
        make_scenes(1, seed=0, regime="hard")  # pyright: ignore[reportArgumentType]
