"""Kinds of places: which objects are met there together, and what lies behind them."""

from dataclasses import dataclass
from typing import Final

from trmml.world.pen import Colour

__all__ = ["SCENE_TYPES", "SceneType"]


@dataclass(frozen=True)
class SceneType:
    """One kind of place.

    Attributes:
        frequency: How common it is, relative to the others; the list has a long tail.
        above: Colours behind objects over the horizon, one of which is taken.
        below: Colours under the horizon.
        horizon: Range of its height, as a share of the scene's (1: no horizon to be seen).
        ground: Pattern under the horizon.
        objects: How common each category is there; the others appear by rare chance only.
        dark: Whether all that does not shine is dim.
    """

    frequency: float
    above: tuple[Colour, ...]
    below: tuple[Colour, ...]
    horizon: tuple[float, float]
    ground: str
    objects: dict[str, float]
    dark: bool = False


_DAY: Final = ((150.0, 200.0, 240.0), (190.0, 216.0, 236.0), (214.0, 210.0, 204.0))
_GRASS: Final = ((96.0, 150.0, 72.0), (124.0, 160.0, 84.0), (88.0, 122.0, 66.0))
_WALL: Final = ((214.0, 196.0, 170.0), (188.0, 204.0, 200.0), (204.0, 180.0, 180.0))
_WOOD: Final = ((150.0, 104.0, 66.0), (184.0, 142.0, 96.0), (116.0, 82.0, 60.0))
_STONE: Final = ((132.0, 130.0, 128.0), (108.0, 110.0, 118.0), (164.0, 156.0, 146.0))

SCENE_TYPES: Final[dict[str, SceneType]] = {
    "street": SceneType(
        18, _DAY, _STONE, (0.45, 0.7), "flat",
        {"car": 9, "house": 8, "tree": 5, "cloud": 4, "lamp": 3, "flag": 2, "clock": 2, "bird": 2,
         "fence": 2, "umbrella": 2, "sun": 2, "arrow": 2.5},
    ),
    "garden": SceneType(
        16, _DAY, _GRASS, (0.3, 0.6), "grass",
        {"flower": 9, "tree": 6, "butterfly": 6, "bird": 4, "fence": 5, "mushroom": 2, "house": 3,
         "apple": 2.5, "sun": 4, "ladder": 2, "ball": 2, "cloud": 3},
    ),
    "beach": SceneType(
        14, _DAY, ((226.0, 204.0, 150.0), (212.0, 186.0, 140.0)), (0.4, 0.6), "sand",
        {"umbrella": 8, "ball": 6, "boat": 6, "sun": 6, "kite": 4, "cloud": 4, "bird": 4, "fish": 2,
         "bottle": 2, "star": 0.7, "flag": 1.5},
    ),
    "kitchen": SceneType(
        13, _WALL, _WOOD, (0.35, 0.6), "planks",
        {"cup": 9, "apple": 8, "bottle": 7, "clock": 5, "lamp": 4, "flower": 3, "key": 2.5,
         "fish": 1.5, "heart": 1},
    ),
    "night": SceneType(
        10, ((24.0, 28.0, 62.0), (36.0, 34.0, 70.0), (18.0, 20.0, 40.0)),
        ((34.0, 44.0, 44.0), (40.0, 38.0, 50.0)), (0.5, 0.8), "flat",
        {"moon": 9, "star": 9, "house": 6, "tree": 4, "lamp": 4, "cloud": 4, "car": 2, "tent": 2},
        dark=True,
    ),
    "harbour": SceneType(
        9, _DAY, ((70.0, 120.0, 160.0), (60.0, 104.0, 132.0), (96.0, 140.0, 160.0)), (0.35, 0.6),
        "waves",
        {"boat": 9, "fish": 6, "bird": 5, "bridge": 5, "flag": 4, "house": 3, "cloud": 4, "sun": 3,
         "ladder": 1.5},
    ),
    "park": SceneType(
        8, _DAY, _GRASS, (0.35, 0.65), "grass",
        {"tree": 8, "kite": 5, "ball": 5, "bird": 4, "bridge": 3, "flower": 4, "umbrella": 2,
         "sun": 4, "cloud": 4, "butterfly": 3, "heart": 1, "lamp": 1.5},
    ),
    "winter": SceneType(
        6, ((190.0, 202.0, 216.0), (160.0, 178.0, 200.0)),
        ((228.0, 232.0, 238.0), (208.0, 216.0, 228.0)), (0.4, 0.7), "flat",
        {"snowman": 10, "tree": 6, "house": 5, "cloud": 4, "fence": 3, "star": 1.5, "bird": 2,
         "car": 2, "sun": 1.5},
    ),
    "camping": SceneType(
        5, _DAY, _GRASS, (0.3, 0.6), "grass",
        {"tent": 10, "tree": 7, "mushroom": 4, "lamp": 2, "flag": 2, "cup": 2, "bottle": 2,
         "moon": 1.5, "sun": 3, "star": 1.5, "boat": 1.5, "fish": 1.5},
    ),
    "forest": SceneType(
        5, ((96.0, 130.0, 96.0), (120.0, 146.0, 120.0)), _GRASS, (0.3, 0.6), "grass",
        {"tree": 10, "mushroom": 7, "bird": 5, "butterfly": 3, "flower": 2, "bridge": 1.5,
         "tent": 1.5, "heart": 0.5},
    ),
    "desk": SceneType(
        5, _WALL, _WOOD, (0.2, 0.5), "planks",
        {"lamp": 7, "cup": 6, "key": 5, "clock": 5, "bottle": 3, "heart": 2.5, "arrow": 2,
         "apple": 2, "flower": 2},
    ),
    "wall": SceneType(
        4, _WALL, _STONE, (0.8, 1.0), "bricks",
        {"arrow": 7, "clock": 5, "heart": 4, "ladder": 5, "flag": 3, "key": 2.5, "lamp": 3,
         "star": 2, "umbrella": 2},
    ),
    "building site": SceneType(
        3, _DAY, ((160.0, 134.0, 100.0), (150.0, 140.0, 120.0)), (0.4, 0.7), "sand",
        {"ladder": 8, "fence": 6, "house": 5, "car": 4, "arrow": 4, "bridge": 2.5, "cup": 1,
         "bottle": 1.5, "flag": 1.5},
    ),
    "fair": SceneType(
        3, (*_DAY, (60.0, 50.0, 90.0)), _STONE, (0.5, 0.8), "bricks",
        {"flag": 6, "heart": 5, "ball": 5, "star": 4, "tent": 5, "kite": 3, "lamp": 3, "apple": 2.5,
         "umbrella": 2, "arrow": 2},
    ),
}  # fmt: skip
"""The places, from the commonest to the rarest."""
