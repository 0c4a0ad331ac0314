"""A generated world of multi-label scenes, the same on every machine."""

from trmml.world.captions import write_caption
from trmml.world.categories import WORLD_CLASS_NAMES
from trmml.world.composition import MIN_VISIBLE_SHARE
from trmml.world.generate import Scenes, World, make_scenes, make_world

__all__ = [
    "MIN_VISIBLE_SHARE",
    "WORLD_CLASS_NAMES",
    "Scenes",
    "World",
    "make_scenes",
    "make_world",
    "write_caption",
]
