"""What lies behind the objects, and the light that falls on the whole."""

import numpy as np
from jaxtyping import Float32

from trmml.world.palette import vary
from trmml.world.pen import Colour, Field
from trmml.world.scene_types import SceneType

__all__ = ["Picture", "blur", "light", "paint_plain_backdrop", "paint_scene_backdrop"]

Picture = Float32[np.ndarray, "3 height width"]
"""Pixels in [0, 255], channels first."""

_Random = np.random.RandomState


def _spread(size: int) -> Float32[np.ndarray, " size"]:
    """Return pixel centres from 0 to 1."""
    return (np.arange(size).astype(np.float32) + 0.5) / np.float32(size)


def _clouded(random: _Random, size: int, *, rows: int, columns: int) -> Field:
    """Return smooth noise in [0, 1]: a coarse grid of random values, joined by straight lines."""
    grid = random.random_sample((rows + 1, columns + 1)).astype(np.float32)
    place_y, place_x = _spread(size) * rows, _spread(size) * columns
    row, column = np.floor(place_y).astype(np.int64), np.floor(place_x).astype(np.int64)
    share_y, share_x = (place_y - row).astype(np.float32), (place_x - column).astype(np.float32)
    tall = grid[row] + (grid[row + 1] - grid[row]) * share_y[:, None]
    left = tall[:, column]
    step = tall[:, column + 1]
    step -= left
    step *= share_x
    step += left
    return step


def _stripes(
    random: _Random, size: int, *, count: int, strength: float
) -> Float32[np.ndarray, " size"]:
    """Return a random brightness per stripe, dark in the joints."""
    place = _spread(size) * count
    stripe = np.floor(place).astype(np.int64)
    shade = random.random_sample(count + 1).astype(np.float32) * np.float32(2.0 * strength)
    joint = ((place - stripe) < 0.06).astype(np.float32)
    return 1.0 - strength + shade[stripe] - np.float32(2.0 * strength) * joint


def _ground(random: _Random, size: int, pattern: str) -> Field:
    """Return the brightness of a pattern, around 1."""
    if pattern == "grass":
        return 0.78 + 0.44 * _clouded(
            random, size, rows=random.randint(6, 14), columns=random.randint(40, 90)
        )
    if pattern == "sand":
        return 0.88 + 0.24 * _clouded(random, size, rows=64, columns=64)
    if pattern == "waves":
        return 0.76 + 0.48 * _clouded(
            random, size, rows=random.randint(24, 48), columns=random.randint(5, 10)
        )
    if pattern == "planks":
        tone = _stripes(random, size, count=random.randint(5, 10), strength=0.1)
        return tone[:, None] * (0.9 + 0.2 * _clouded(random, size, rows=40, columns=4))
    if pattern == "bricks":
        rows = _stripes(random, size, count=random.randint(8, 16), strength=0.08)
        return rows[:, None] * _stripes(random, size, count=random.randint(5, 9), strength=0.08)
    return 0.92 + 0.16 * _clouded(random, size, rows=4, columns=4)


def paint_scene_backdrop(random: _Random, size: int, place: SceneType) -> Picture:
    """Paint sky or wall over patterned ground."""
    above = vary(place.above[random.randint(len(place.above))], random, amount=22.0)
    below = vary(place.below[random.randint(len(place.below))], random, amount=22.0)
    horizon = int(size * random.uniform(place.horizon[0], place.horizon[1]))
    picture = np.empty((3, size, size), dtype=np.float32)
    fall = _spread(size) * random.uniform(-0.25, 0.25) + 1.0
    top = _clouded(random, size, rows=3, columns=4)
    top *= random.uniform(0.05, 0.25)
    top += fall[:, None]
    ground = _ground(random, size, place.ground)
    for channel in range(3):
        np.multiply(top[:horizon], above[channel], out=picture[channel, :horizon])
        np.multiply(ground[horizon:], below[channel], out=picture[channel, horizon:])
    return picture


def paint_plain_backdrop(random: _Random, size: int) -> Picture:
    """Paint one soft colour, or two with a level horizon."""
    picture = np.empty((3, size, size), dtype=np.float32)
    horizon = int(size * random.uniform(0.4, 0.8)) if random.random_sample() < 0.5 else size
    fall = _spread(size) * random.uniform(-0.15, 0.15) + 1.0
    for rows in (slice(0, horizon), slice(horizon, size)):
        tone = random.uniform(90.0, 240.0)
        colour: Colour = vary((tone, tone, tone), random, amount=60.0)
        for channel in range(3):
            picture[channel, rows] = (fall[rows] * colour[channel])[:, None]
    return picture


def light(random: _Random, picture: Picture, *, strength: float) -> None:
    """Light the scene from one side, in one tint, with a vignette; in place."""
    size = picture.shape[1]
    across = _spread(size) * 2.0 - 1.0
    slope_x, slope_y = (strength * random.uniform(-0.35, 0.35) for _ in range(2))
    vignette = strength * random.uniform(0.0, 0.3)
    row = across * slope_y - across * across * vignette
    column = across * slope_x - across * across * vignette
    shade = (1.0 + strength * random.uniform(-0.3, 0.25) + row)[:, None] + column[None, :]
    haze = strength * random.uniform(0.0, 0.25)
    for channel in range(3):
        tint = (1.0 + strength * random.uniform(-0.2, 0.2)) * (1.0 - haze)
        picture[channel] *= shade * tint
        picture[channel] += 170.0 * haze


def blur(picture: Picture, *, centre: float) -> None:
    """Mix each pixel with its four neighbours, along rows and then along columns; in place.

    Args:
        picture: Pixels.
        centre: Weight of the pixel itself, from 1/3 (a box) to 1 (nothing happens).
    """
    side = (1.0 - centre) / 2.0
    for view in (picture, picture.swapaxes(1, 2)):
        around = view[:, :-2] + view[:, 2:]
        around *= side
        view[:, 1:-1] *= centre
        view[:, 1:-1] += around
