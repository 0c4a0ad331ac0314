import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from tests.training.feature_cache.own_transform import own
from trmml.data.transforms import RandomCutout, build_transform
from trmml.training.feature_cache.transform_description import describe

ROOT = Path(__file__).parents[3]
LIMIT = 3
TABLE = {"a": 1}


def by_global(image):
    return image[:LIMIT]


def by_helper(image):
    return by_global(image)


def closing_over(value):
    return lambda image: image + value


class Own:
    factor = 2

    def __init__(self, size: int) -> None:
        self._size = size

    def __call__(self, image: int) -> int:
        return image * self._size


class Doubled(Own):
    def __call__(self, image: int) -> int:
        return image * self._size * 2


@dataclass(frozen=True)
class Settings:
    size: int
    how: v2.InterpolationMode


def scaled(scale: float) -> v2.Normalize:
    return v2.Normalize([scale] * 3, [1.0] * 3)


def build(recipe, train, size=64) -> v2.Compose:
    return build_transform(recipe, train=train, size=size, mean=None, std=None)


DIFFERENT = [
    None,
    *[build(recipe, True) for recipe in ("tai-dpt", "asl", "hcp", "spml")],
    *[build(recipe, False) for recipe in ("tai-dpt", "asl")],
    build("spml", True, 32),
    v2.ToDtype(torch.float32, scale=True),
    v2.ToDtype(torch.float64, scale=True),  # printed the same as the one before
    scaled(0.1),
    scaled(0.2),
    RandomCutout(0.4),
    RandomCutout(0.5),
    by_global,
    by_helper,
    closing_over(1),
    closing_over(2),
    lambda image: image,
    lambda image: image + 1,
    Own(1),
    Own(2),
    Doubled(1),
    Own,
    Settings(1, v2.InterpolationMode.NEAREST),
    Settings(1, v2.InterpolationMode.BICUBIC),
    partial(round, ndigits=1),
    partial(round, ndigits=2),
    torch.nn.Linear(2, 2),
    torch.nn.Linear(2, 2),  # with other weights
    torch.zeros(2),
    np.zeros(2),
    np.ones(2),
    v2.Lambda(by_global),
    v2.Lambda(by_helper),
    v2.AutoAugment(v2.AutoAugmentPolicy.SVHN),
    {"a": 1},
    {"a": 2},
    [1, 2],
    [2, 1],
    "1",
    1,
    1.5,
    True,
    Own(1).__call__,
    torch.flip,
    np.flip,
    torch.sigmoid,
]


def test_different_transforms_are_told_apart() -> None:
    texts = [json.dumps(describe(value)) for value in DIFFERENT]
    repeated = {text for text in texts if texts.count(text) > 1}
    assert repeated == set()


def test_equal_transforms_are_described_equally() -> None:
    assert describe(closing_over(1)) == describe(closing_over(1))
    assert describe(Own(3)) == describe(Own(3))
    assert describe(build("tai-dpt", True)) == describe(build("tai-dpt", True))


def test_a_number_that_an_own_function_looks_up_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = describe(by_global), describe(by_helper)
    monkeypatch.setitem(globals(), "LIMIT", 4)
    assert describe(by_global) != before[0]
    assert describe(by_helper) != before[1]


def test_an_own_class_counts_with_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    before = describe(Doubled(1))
    monkeypatch.setattr(Own, "factor", 3)
    assert describe(Doubled(1)) != before


def test_a_description_is_the_same_in_another_process() -> None:
    code = "from tests.training.feature_cache.own_transform import own; import json; "
    code += "from trmml.training.feature_cache.transform_description import describe; "
    code += "print(json.dumps(describe(own())))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=True,
    )
    assert result.stdout.strip() == json.dumps(describe(own()))
    assert "0x" not in result.stdout


@pytest.mark.parametrize("part", [torch.Generator(), iter([1]), object(), (i for i in "a")])
def test_what_no_other_process_would_recognise_is_refused(part: object) -> None:
    with pytest.raises(ValueError, match="`transform` must be made of parts that another process"):
        describe(v2.Compose([v2.Lambda(partial(dict, key=part))]))


def test_a_part_that_holds_itself_is_described() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    assert describe(loop) == [1, {"again": 0}]
