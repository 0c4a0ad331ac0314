"""How to draw what people build and travel in: one function a category."""

import numpy as np

from trmml.world.palette import COLOURS, darker
from trmml.world.pen import Colour, Pen

__all__ = [
    "draw_boat",
    "draw_bridge",
    "draw_car",
    "draw_fence",
    "draw_house",
    "draw_ladder",
    "draw_tent",
]

_Random = np.random.RandomState


def draw_boat(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a hull with a mast and one or two sails."""
    sail = (COLOURS["white"], COLOURS["white"], COLOURS["red"], COLOURS["yellow"])
    cloth = sail[random.randint(4)]
    pen.fill(pen.line(0.0, -0.92, 0.0, 0.5, 0.045), COLOURS["brown"])
    pen.fill(pen.convex((0.1, -0.88), (0.1, 0.3), (0.8, 0.3)), cloth)
    if random.random_sample() < 0.65:
        pen.fill(pen.convex((-0.1, -0.65), (-0.1, 0.3), (-0.6, 0.3)), darker(cloth, share=0.1))
    keel = random.uniform(0.45, 0.65)
    pen.fill(pen.convex((-0.95, 0.45), (0.95, 0.45), (keel, 0.95), (-keel, 0.95)), main)


def draw_bridge(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a deck with railing over one or two arches."""
    wall = pen.box(-0.97, -0.2, 0.97, 0.65)
    if random.random_sample() < 0.5:
        np.maximum(wall, -pen.ellipse(0.0, 0.68, 0.7, 0.68), out=wall)
    else:
        for x in (-0.46, 0.46):
            np.maximum(wall, -pen.ellipse(x, 0.68, 0.36, 0.62), out=wall)
    pen.fill(wall, main)
    pen.fill(pen.box(-0.99, -0.22, 0.99, -0.08), darker(main))
    for index in range(7):
        x = -0.9 + 0.3 * index
        pen.fill(pen.box(x - 0.03, -0.5, x + 0.03, -0.15), darker(main))
    pen.fill(pen.box(-0.95, -0.54, 0.95, -0.46), darker(main))


def draw_car(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a car from the side."""
    front, back = random.uniform(0.3, 0.5), random.uniform(-0.75, -0.5)
    cabin = (back, -0.02), (back + 0.2, -0.5), (front - 0.2, -0.5), (front + 0.05, -0.02)
    pen.fill(pen.convex(*cabin), main)
    body = pen.box(-0.82, 0.1, 0.82, 0.22) - 0.16
    pen.fill(body, main)
    middle = (back + front) / 2.0
    glass = (176.0, 214.0, 236.0)
    pen.fill(pen.convex((back + 0.12, -0.05), (back + 0.25, -0.4), (middle - 0.04, -0.4),
                        (middle - 0.04, -0.05)), glass)  # fmt: skip
    pen.fill(pen.convex((middle + 0.04, -0.05), (middle + 0.04, -0.4), (front - 0.24, -0.4),
                        (front - 0.08, -0.05)), glass)  # fmt: skip
    for x in (-0.5, 0.5):
        pen.fill(pen.disc(x, 0.38, 0.24), COLOURS["black"])
        pen.fill(pen.disc(x, 0.38, 0.11), COLOURS["grey"])


def draw_fence(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw pointed pickets over two rails."""
    for y in (-0.12, 0.42):
        pen.fill(pen.box(-0.97, y, 0.97, y + 0.13), darker(main, share=0.2))
    pickets = random.randint(4, 7)
    half = 0.62 / pickets
    for index in range(pickets):
        x = -0.95 + half + (1.9 - 2.0 * half) * index / (pickets - 1)
        pen.fill(pen.convex((x - half, 0.75), (x - half, -0.35), (x, -0.6), (x + half, -0.35),
                            (x + half, 0.75)), main)  # fmt: skip


def draw_house(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw walls, a roof, a door and windows, sometimes a chimney."""
    roof = (COLOURS["red"], COLOURS["brown"], darker(COLOURS["grey"]))[random.randint(3)]
    if random.random_sample() < 0.5:
        pen.fill(pen.box(0.4, -0.85, 0.6, -0.2), darker(roof))
    pen.fill(pen.box(-0.75, -0.15, 0.75, 0.95), main)
    pen.fill(pen.convex((-0.95, -0.1), (0.95, -0.1), (0.0, -0.95)), roof)
    door = random.uniform(-0.5, 0.2)
    pen.fill(pen.box(door, 0.35, door + 0.32, 0.95), darker(roof))
    for x in (door - 0.42, door + 0.45):
        if -0.75 < x < 0.5:
            pen.fill(pen.box(x + 0.04, 0.15, x + 0.3, 0.45), (170.0, 210.0, 236.0))


def draw_ladder(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw two rails and their rungs."""
    width = random.uniform(0.28, 0.4)
    rungs = random.randint(5, 8)
    for index in range(rungs):
        y = -0.8 + 1.6 * index / (rungs - 1)
        pen.fill(pen.box(-width, y - 0.05, width, y + 0.05), darker(main, share=0.15))
    for x in (-width, width):
        pen.fill(pen.box(x - 0.065, -0.97, x + 0.065, 0.97), main)


def draw_tent(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a tent from the front or from the side."""
    if random.random_sample() < 0.5:
        pen.fill(pen.convex((0.0, -0.75), (0.95, 0.75), (-0.95, 0.75)), main)
        pen.fill(pen.convex((0.0, -0.35), (0.35, 0.75), (-0.35, 0.75)), darker(main, share=0.6))
    else:
        pen.fill(pen.convex((-0.35, -0.7), (0.55, -0.7), (0.97, 0.7), (0.1, 0.7)), main)
        pen.fill(pen.convex((-0.35, -0.7), (0.1, 0.7), (-0.9, 0.7)), darker(main, share=0.2))
        pen.fill(pen.convex((-0.36, -0.3), (-0.15, 0.7), (-0.6, 0.7)), darker(main, share=0.65))
