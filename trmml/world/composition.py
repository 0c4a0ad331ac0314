"""One scene: what is in it, where, and how much of each thing can be seen."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import UInt8

from trmml.world.backdrops import (
    Picture,
    blur,
    light,
    paint_plain_backdrop,
    paint_scene_backdrop,
)
from trmml.world.categories import CATEGORIES
from trmml.world.clutter import draw_clutter
from trmml.world.layout import pick_names, pick_place, pick_spot, pick_turn
from trmml.world.palette import COLOURS, vary
from trmml.world.pen import Colour, Pen
from trmml.world.regimes import Regime

__all__ = ["MIN_VISIBLE_SHARE", "SeenObject", "compose"]

MIN_VISIBLE_SHARE: Final = 0.25
"""Least share of an object's pixels, those beyond the border included, that must be visible for
the object to count as a label."""

_SHINING: Final = frozenset({"moon", "star", "lamp", "sun"})
_Random = np.random.RandomState
_Owners = UInt8[np.ndarray, "height width"]


@dataclass(frozen=True)
class SeenObject:
    """An object that counts as a label.

    Attributes:
        name: Its category.
        colour: The name of its main colour.
        box: Left, top, right and bottom of its visible pixels; right and bottom are exclusive.
        visible: Share of its pixels that is visible.
    """

    name: str
    colour: str
    box: tuple[int, int, int, int]
    visible: float


def _draw_object(
    random: _Random, name: str, colour: Colour, *, half: float, regime: Regime, dark: bool
) -> Pen:
    """Draw an object into a layer of its own."""
    category = CATEGORIES[name]
    pen = Pen(
        half,
        rotation=pick_turn(random, category, regime),
        stretch=random.uniform(0.8, 1.25),
        flip=random.random_sample() < 0.5,
        shift=(random.uniform(-0.5, 0.5), random.uniform(-0.5, 0.5)),
    )
    category.draw(pen, random, colour)
    if regime.natural:
        shade = pen.x * random.uniform(-0.2, 0.2) + pen.y * random.uniform(-0.25, 0.1)
        shade += random.uniform(0.75, 1.1) * (0.5 if dark and name not in _SHINING else 1.0)
        if random.random_sample() < 0.25:
            place = (pen.x + pen.y * random.uniform(-1.0, 1.0)) * random.uniform(2.0, 5.0)
            shade -= 0.2 * (place - np.floor(place) < 0.4).astype(np.float32)
        pen.colour *= shade
    return pen


def _paste(picture: Picture, owners: _Owners, pen: Pen, *, x: int, y: int, owner: int) -> int:
    """Lay a layer on the picture; return how many pixels it has, hidden and cut ones included."""
    size = picture.shape[1]
    left, top = x - pen.reach_x, y - pen.reach_y
    right, bottom = x + pen.reach_x + 1, y + pen.reach_y + 1
    inside = (
        slice(max(-top, 0), pen.alpha.shape[0] - max(bottom - size, 0)),
        slice(max(-left, 0), pen.alpha.shape[1] - max(right - size, 0)),
    )
    target = slice(max(top, 0), min(bottom, size)), slice(max(left, 0), min(right, size))
    solid = pen.alpha > 0.5
    if target[0].start < target[0].stop and target[1].start < target[1].stop:
        view = picture[:, target[0], target[1]]
        step = pen.colour[:, inside[0], inside[1]] - view
        step *= pen.alpha[inside]
        view += step
        owners[target][solid[inside]] = owner
    return int(np.count_nonzero(solid))


def compose(
    random: _Random, regime: Regime, size: int
) -> tuple[UInt8[np.ndarray, "3 height width"], list[SeenObject]]:
    """Draw one scene.

    Args:
        random: Source of all chance.
        regime: How hard it is.
        size: Height and width in pixels.

    Returns:
        The picture, and the objects that can be seen well enough to count.
    """
    place = None
    if regime.natural:
        place = pick_place(random)
        picture = paint_scene_backdrop(random, size, place)
    else:
        picture = paint_plain_backdrop(random, size)
    owners: _Owners = np.zeros((size, size), dtype=np.uint8)
    names = pick_names(random, regime, place)
    spots = sorted((pick_spot(random, name, regime), name) for name in names)

    def scatter(count: int) -> None:
        for _ in range(count):
            pen = draw_clutter(random, size, large=0.14 if regime.natural else 0.08)
            x, y = random.randint(size), random.randint(size)
            _paste(picture, owners, pen, x=x, y=y, owner=0)

    scatter(random.randint(regime.behind[0], regime.behind[1] + 1))
    before = random.randint(regime.before[0], regime.before[1] + 1)
    painted: list[tuple[str, str, int]] = []
    for index, ((y, x), name) in enumerate(spots):
        usual = CATEGORIES[name].colours
        named = usual if random.random_sample() >= regime.unusual else tuple(COLOURS)
        colour_name = named[random.randint(len(named))]
        colour = vary(COLOURS[colour_name], random, amount=40.0 if regime.natural else 22.0)
        share = random.random_sample() ** regime.small
        half = regime.half[0] + (regime.half[1] - regime.half[0]) * share
        half *= CATEGORIES[name].size * size * (0.75 + 0.5 * y if regime.natural else 1.0)
        pen = _draw_object(
            random, name, colour, half=half, regime=regime, dark=place is not None and place.dark
        )
        pixels = _paste(picture, owners, pen, x=int(x * size), y=int(y * size), owner=index + 1)
        painted.append((name, colour_name, pixels))
        scatter(before // len(spots) + (index < before % len(spots)))
    return _develop(random, picture, regime), _seen(owners, painted)


def _develop(
    random: _Random, picture: Picture, regime: Regime
) -> UInt8[np.ndarray, "3 height width"]:
    """Light, blur and grain the scene, and round it to bytes."""
    size = picture.shape[1]
    light(random, picture, strength=1.0 if regime.natural else 0.25)
    if regime.natural and random.random_sample() < 0.4:
        blur(picture, centre=random.uniform(1.0 / 3.0, 0.6))
    grain = np.frombuffer(random.bytes(size * size), dtype=np.uint8).reshape(size, size)
    strength = random.uniform(4.0, 40.0) if regime.natural else 6.0
    picture += (grain.astype(np.float32) - 127.5) * np.float32(strength / 255.0)
    picture += 0.5
    np.maximum(picture, 0.0, out=picture)
    np.minimum(picture, 255.0, out=picture)
    return picture.astype(np.uint8)


def _seen(owners: _Owners, painted: list[tuple[str, str, int]]) -> list[SeenObject]:
    """Keep the objects that enough of can be seen."""
    seen = []
    for index, (name, colour, pixels) in enumerate(painted):
        mine = owners == index + 1
        visible = int(np.count_nonzero(mine)) / max(pixels, 1)
        if visible < MIN_VISIBLE_SHARE:
            continue
        rows, columns = mine.any(axis=1).nonzero()[0], mine.any(axis=0).nonzero()[0]
        box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        seen.append(SeenObject(name, colour, box, visible))
    return seen
