from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from trmml.data.transforms import PAIR_OPERATIONS, RandomOperationPair, pair_augment

GEOMETRIC = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")


@pytest.fixture
def image():
    rows, columns = np.mgrid[0:66, 0:99]
    values = np.stack([rows * 3, columns * 2, 255 - rows - columns], -1)
    return Image.fromarray(values.astype(np.uint8))


def test_the_fifteen_operations():
    assert len(PAIR_OPERATIONS) == 15


@pytest.mark.parametrize("name", sorted(PAIR_OPERATIONS))
@pytest.mark.parametrize("share", [0.0, 1 / 9, 1.0])
def test_size_and_mode_stay_and_the_input_is_left_alone(name, share, image):
    before = np.asarray(image).copy()
    after = PAIR_OPERATIONS[name](image, share)
    assert (after.size, after.mode) == (image.size, "RGB")
    assert np.array_equal(np.asarray(image), before)


@pytest.mark.parametrize(
    "name", [*GEOMETRIC, "sharpness", "contrast", "color", "brightness", "cutout", "posterize",
             "solarize"],
)  # fmt: skip
def test_no_strength_changes_nothing(name, image):
    assert np.array_equal(np.asarray(PAIR_OPERATIONS[name](image, 0.0)), np.asarray(image))


def applied(name, image, share, sign, monkeypatch):
    monkeypatch.setattr(pair_augment, "_sign", lambda: sign)
    return np.asarray(PAIR_OPERATIONS[name](image, share)).astype(int)


@pytest.mark.parametrize("sign", [1, -1])
def test_full_translation_is_150_of_331(sign, image, monkeypatch):
    moved = applied("translate_x", image, 1.0, sign, monkeypatch)
    gap = round(150 / 331 * 99)
    grey = (moved == 128).all(-1).all(0)
    assert grey.sum() in (gap - 1, gap)
    assert bool(grey[-1]) == (sign == 1)


def test_translation_moves_pixels_without_mixing_them(image, monkeypatch):
    moved = applied("translate_y", image, 1.0, 1, monkeypatch)
    shift = round(150 / 331 * 66)
    assert np.array_equal(moved[: 66 - shift], np.asarray(image)[shift:])


def test_the_largest_cutout_is_twenty_pixels_wide(image):
    sizes = set()
    for _ in range(300):
        changed = (np.asarray(PAIR_OPERATIONS["cutout"](image, 1.0)) != np.asarray(image)).any(-1)
        sizes.add((changed.any(1).sum(), changed.any(0).sum()))
    assert max(sizes) == (20, 20)


def test_full_rotation_is_thirty_degrees_one_way(image):
    turned = np.asarray(PAIR_OPERATIONS["rotate"](image, 1.0))
    assert np.array_equal(turned, np.asarray(image.rotate(30, fillcolor=(128, 128, 128))))


@pytest.mark.parametrize("sign", [1, -1])
def test_enhancement_goes_both_ways_up_to_nine_tenths(sign, image, monkeypatch):
    found = applied("brightness", image, 1.0, sign, monkeypatch)
    expected = np.asarray(ImageEnhance.Brightness(image).enhance(1 + sign * 0.9))
    assert np.array_equal(found, expected)


def test_bits_and_thresholds(image):
    coarse = np.asarray(PAIR_OPERATIONS["posterize"](image, 1.0))
    assert (coarse % 16 == 0).all()
    assert np.array_equal(
        np.asarray(PAIR_OPERATIONS["solarize"](image, 1.0)), 255 - np.asarray(image)
    )


def test_each_of_two_draws_is_applied_half_the_time(image, monkeypatch):
    calls = Counter()
    levels = Counter()

    def watch(name):
        def operation(given, share):
            calls[name] += 1
            levels[round(share * 9)] += 1
            return given

        return operation

    monkeypatch.setattr(
        pair_augment, "PAIR_OPERATIONS", {name: watch(name) for name in PAIR_OPERATIONS}
    )
    augment = RandomOperationPair()
    for _ in range(3000):
        augment(image)
    assert sum(calls.values()) == pytest.approx(3000, rel=0.06)
    assert set(calls) == set(PAIR_OPERATIONS)
    assert max(calls.values()) < 1.5 * min(calls.values())
    assert set(levels) == set(range(1, 10))


def test_the_seed_decides(image):
    results = []
    for _ in range(2):
        torch.manual_seed(5)
        results.append(np.asarray(RandomOperationPair()(image)))
    assert np.array_equal(*results)
