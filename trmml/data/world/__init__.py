"""A generated world of multi-label scenes, the same on every machine."""

from trmml.data.world.captions import write_caption
from trmml.data.world.categories import WORLD_CLASS_NAMES
from trmml.data.world.composition import MIN_VISIBLE_SHARE
from trmml.data.world.generate import Scenes, World, make_scenes, make_world

__all__ = [
    "MIN_VISIBLE_SHARE",
    "WORLD_CLASS_NAMES",
    "Scenes",
    "World",
    "make_scenes",
    "make_world",
    "write_caption",
]
