import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.random_clip import random_pair
from tests.training.feature_cache.small_cache import cache_of, table_of, transform
from trmml.training import FeatureCache
from trmml.training.feature_cache.card import card_key


def changed_weights(folder: Path) -> FeatureCache:
    pair = random_pair()
    assert isinstance(pair.image, torch.nn.Module)
    weight = next(value for value in pair.image.state_dict().values() if value.is_floating_point())
    first = (0,) * weight.ndim
    weight[first] = torch.nextafter(weight[first], torch.tensor(9.0))
    return cache_of(folder, encoders=pair)


def touched(folder: Path) -> FeatureCache:
    table = table_of(folder)
    os.utime(folder / "3.png", ns=(0, 1))
    return cache_of(folder, table)


CHANGES: dict[str, Callable[[Path], FeatureCache]] = {
    "weights": changed_weights,
    "transform": lambda f: cache_of(f, table_of(f, transform=transform(recipe="asl"))),
    "normalisation": lambda f: cache_of(f, table_of(f, transform=transform(std=(1.0, 1.0, 1.0)))),
    "resolution": lambda f: cache_of(f, table_of(f, transform=transform(size=96))),
    "seed": lambda f: cache_of(f, seed=1),
    "views": lambda f: cache_of(f, num_views=2),
    "rows": lambda f: cache_of(f, table_of(f).select([1, 0, *range(2, 20)])),
    "fewer rows": lambda f: cache_of(f, table_of(f).select(list(range(19)))),
    "file": touched,
    "decoding": lambda f: cache_of(f, table_of(f, min_side=10)),
    "broken files": lambda f: cache_of(f, table_of(f, broken="replace")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_features_depend_on_changes_the_key(tmp_path: Path, change: str) -> None:
    before = cache_of(tmp_path)
    assert CHANGES[change](tmp_path).key != before.key


def test_a_cache_of_before_all_generators_were_seeded_is_not_taken_over(tmp_path: Path) -> None:
    cache = cache_of(tmp_path)
    before = {name: value for name, value in cache.card.items() if name != "seeded"}
    assert card_key(before) != cache.key


def test_what_features_do_not_depend_on_leaves_the_key(tmp_path: Path) -> None:
    table = table_of(tmp_path)
    before = cache_of(tmp_path, table).key
    other = table.replace(labels=-table.labels, class_names=["a", "b", "c"], transform=transform())
    assert cache_of(tmp_path, other).key == before
    moved = tmp_path / "moved"
    tmp_path.joinpath("moved").mkdir()
    for path in tmp_path.glob("*.png"):
        path.rename(moved / path.name)
    assert cache_of(moved).key == before


def test_the_card_is_on_disk_and_names_its_folder(tmp_path: Path) -> None:
    cache = cache_of(tmp_path)
    cache.fill()
    card: dict[str, Any] = json.loads((cache.folder / "card.json").read_text())
    assert card == cache.card
    assert card_key(card) == cache.key == cache.folder.name
    assert (card["seed"], card["seeded"]) == (0, ["torch", "random", "numpy.random"])
    assert (card["views"], card["images"], card["grid"], card["dim"]) == (1, 20, [2, 2], 16)
    assert card["resolution"] == [64, 64]
