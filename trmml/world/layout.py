"""What a scene is made of: the place, its objects, where they lie and how they are turned."""

import numpy as np

from trmml.world.categories import CATEGORIES, WORLD_CLASS_NAMES, Category
from trmml.world.regimes import Regime
from trmml.world.scene_types import SCENE_TYPES, SceneType

__all__ = ["pick_names", "pick_place", "pick_spot", "pick_turn"]

_Random = np.random.RandomState


def _pick(random: _Random, weights: dict[str, float]) -> str:
    """Draw a name in proportion to its weight, by one exact running sum."""
    left = random.random_sample() * sum(weights.values())
    for name, weight in weights.items():
        left -= weight
        if left < 0.0:
            return name
    return next(reversed(weights))


def pick_place(random: _Random) -> SceneType:
    """Draw a kind of place."""
    return SCENE_TYPES[_pick(random, {name: kind.frequency for name, kind in SCENE_TYPES.items()})]


def pick_names(random: _Random, regime: Regime, place: SceneType | None) -> list[str]:
    """Draw which objects there are: those of the place, repeated now and then, rarely others."""
    low, high = regime.objects
    count = random.randint(low, high + 1)
    names: list[str] = []
    for _ in range(count):
        if place is None or random.random_sample() < 0.08:
            names.append(WORLD_CLASS_NAMES[random.randint(len(WORLD_CLASS_NAMES))])
        elif names and random.random_sample() < 0.15:
            names.append(names[random.randint(len(names))])
        else:
            names.append(_pick(random, place.objects))
    return names


def pick_spot(random: _Random, name: str, regime: Regime) -> tuple[float, float]:
    """Draw where the centre of an object lies, as shares of height and width."""
    low, high = -regime.border, 1.0 + regime.border
    y, x = random.uniform(low, high), random.uniform(low, high)
    if regime.natural and random.random_sample() < 0.8:
        y = random.uniform(*CATEGORIES[name].band)
    return y, x


def pick_turn(random: _Random, category: Category, regime: Regime) -> tuple[float, float]:
    """Return the cosine and sine of a random lean, or of any angle for what has no upright."""
    anyhow = not category.upright and (regime.natural or random.random_sample() < 0.5)
    tangent = random.uniform(-1.0, 1.0) * (1.0 if anyhow else regime.tilt)
    over = -1.0 if anyhow and random.random_sample() < 0.5 else 1.0
    square = tangent * tangent
    return over * (1.0 - square) / (1.0 + square), over * 2.0 * tangent / (1.0 + square)
