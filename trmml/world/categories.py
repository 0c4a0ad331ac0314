"""The thirty categories: how each is drawn, its usual colours, its size and where it is found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from trmml.world import drawings_built as built
from trmml.world import drawings_outdoors as outdoors
from trmml.world import drawings_things as things
from trmml.world.pen import Colour, Pen

__all__ = ["CATEGORIES", "WORLD_CLASS_NAMES", "Category"]


@dataclass(frozen=True)
class Category:
    """One kind of object.

    Attributes:
        draw: Draws it with a pen, chance and a main colour.
        colours: Usual main colours, by name.
        size: Usual size, relative to the other categories.
        band: Where its centre usually lies, as shares of the scene's height.
        upright: Whether it usually stands upright.
    """

    draw: Callable[[Pen, np.random.RandomState, Colour], None]
    colours: tuple[str, ...]
    size: float = 1.0
    band: tuple[float, float] = (0.5, 0.95)
    upright: bool = True


_SKY = (0.05, 0.4)

CATEGORIES: Final[dict[str, Category]] = {
    "apple": Category(outdoors.draw_apple, ("red", "red", "green", "yellow"), 0.75),
    "arrow": Category(
        things.draw_arrow, ("red", "black", "blue", "white"), 0.9, (0.15, 0.85), upright=False
    ),
    "ball": Category(things.draw_ball, ("red", "blue", "orange", "green"), 0.75, upright=False),
    "bird": Category(
        outdoors.draw_bird, ("blue", "brown", "red", "grey", "black"), 0.8, (0.1, 0.9)
    ),
    "boat": Category(built.draw_boat, ("brown", "red", "blue", "white"), 1.15, (0.4, 0.75)),
    "bottle": Category(things.draw_bottle, ("green", "brown", "blue"), 0.9),
    "bridge": Category(built.draw_bridge, ("grey", "brown", "red"), 1.35, (0.4, 0.75)),
    "butterfly": Category(
        outdoors.draw_butterfly,
        ("orange", "purple", "blue", "yellow"),
        0.75,
        (0.1, 0.8),
        upright=False,
    ),
    "car": Category(built.draw_car, ("red", "blue", "white", "grey", "yellow"), 1.15, (0.55, 0.92)),
    "clock": Category(things.draw_clock, ("brown", "black", "red", "blue"), 0.85, (0.1, 0.6)),
    "cloud": Category(outdoors.draw_cloud, ("white", "white", "grey"), 1.1, _SKY),
    "cup": Category(things.draw_cup, ("white", "red", "blue", "green"), 0.8),
    "fence": Category(built.draw_fence, ("white", "brown", "grey"), 1.2, (0.55, 0.9)),
    "fish": Category(outdoors.draw_fish, ("orange", "blue", "red", "grey"), 0.85, (0.55, 0.95)),
    "flag": Category(things.draw_flag, ("red", "blue", "green", "yellow"), 0.95, (0.2, 0.7)),
    "flower": Category(outdoors.draw_flower, ("red", "pink", "purple", "yellow", "white"), 0.85),
    "heart": Category(outdoors.draw_heart, ("red", "pink", "red"), 0.75, (0.15, 0.85)),
    "house": Category(
        built.draw_house, ("yellow", "white", "orange", "pink", "blue"), 1.4, (0.4, 0.7)
    ),
    "key": Category(things.draw_key, ("yellow", "grey", "brown"), 0.7, upright=False),
    "kite": Category(
        things.draw_kite, ("red", "yellow", "blue", "purple"), 0.95, _SKY, upright=False
    ),
    "ladder": Category(built.draw_ladder, ("brown", "grey", "yellow"), 1.1, (0.4, 0.8)),
    "lamp": Category(things.draw_lamp, ("yellow", "orange", "white", "red"), 0.95, (0.3, 0.8)),
    "moon": Category(outdoors.draw_moon, ("yellow", "white", "grey"), 0.8, _SKY),
    "mushroom": Category(
        outdoors.draw_mushroom, ("red", "red", "brown", "orange"), 0.75, (0.6, 0.95)
    ),
    "snowman": Category(outdoors.draw_snowman, ("white",), 1.05, (0.5, 0.85)),
    "star": Category(outdoors.draw_star, ("yellow", "white", "yellow"), 0.65, _SKY),
    "sun": Category(outdoors.draw_sun, ("yellow", "orange", "yellow"), 1.0, _SKY),
    "tent": Category(built.draw_tent, ("green", "orange", "blue", "red"), 1.2, (0.5, 0.85)),
    "tree": Category(outdoors.draw_tree, ("green", "green", "green", "orange"), 1.4, (0.35, 0.75)),
    "umbrella": Category(
        things.draw_umbrella, ("red", "blue", "purple", "yellow", "black"), 1.1, (0.4, 0.8)
    ),
}

WORLD_CLASS_NAMES: Final[tuple[str, ...]] = tuple(CATEGORIES)
"""The world's categories, in alphabetical order; labels and boxes count in this order."""
