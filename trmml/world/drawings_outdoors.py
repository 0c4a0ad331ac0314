"""How to draw what grows, flies, swims or shines: one function a category."""

import numpy as np

from trmml.world.palette import COLOURS, darker, lighter
from trmml.world.pen import Colour, Pen, directions

__all__ = [
    "draw_apple",
    "draw_bird",
    "draw_butterfly",
    "draw_cloud",
    "draw_fish",
    "draw_flower",
    "draw_heart",
    "draw_moon",
    "draw_mushroom",
    "draw_snowman",
    "draw_star",
    "draw_sun",
    "draw_tree",
]

_Random = np.random.RandomState


def draw_sun(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a disc with rays."""
    radius = random.uniform(0.42, 0.6)
    width = random.uniform(0.04, 0.09)
    for x, y in directions((8, 12)[random.randint(2)]):
        inner = radius + 0.12
        pen.fill(pen.line(x * inner, y * inner, x * 0.92, y * 0.92, width), main)
    pen.fill(pen.disc(0.0, 0.0, radius), main)
    pen.fill(pen.disc(0.0, 0.0, radius * 0.7), lighter(main, share=0.25))


def draw_moon(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a crescent."""
    bite = pen.disc(random.uniform(0.34, 0.62), random.uniform(-0.15, 0.1), 0.78)
    pen.fill(np.maximum(pen.disc(0.0, 0.0, 0.92), -bite), main)


def draw_star(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a five-pointed star."""
    pen.fill(pen.star(0.0, 0.08, 1.0), main)
    if random.random_sample() < 0.4:
        pen.fill(pen.star(0.0, 0.08, 0.6), lighter(main))


def draw_cloud(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw three to five puffs on a flat bottom."""
    left, right = random.uniform(0.26, 0.36), random.uniform(0.24, 0.34)
    shape = pen.disc(-0.6, 0.2, left)
    for puff in (
        pen.disc(0.6, 0.22, right),
        pen.disc(random.uniform(-0.3, -0.1), -0.08, random.uniform(0.38, 0.48)),
        pen.disc(random.uniform(0.15, 0.35), -0.02, random.uniform(0.32, 0.42)),
    ):
        np.minimum(shape, puff, out=shape)
    np.minimum(shape, pen.box(-0.6, 0.1, 0.6, 0.5), out=shape)
    np.maximum(shape, pen.y - 0.48, out=shape)
    pen.fill(shape, darker(main, share=0.15))
    pen.fill(np.maximum(shape, pen.y - 0.3), main)


def draw_tree(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a trunk under a round crown or under stacked triangles."""
    trunk = random.uniform(0.08, 0.15)
    bark = (COLOURS["brown"], darker(COLOURS["brown"]), COLOURS["grey"])[random.randint(3)]
    pen.fill(pen.box(-trunk, 0.2, trunk, 0.98), bark)
    if random.random_sample() < 0.5:
        for top in (0.6, 0.2, -0.2):
            width = 0.5 + 0.3 * top
            corners = (0.0, top - 0.78), (width, top), (-width, top)
            pen.fill(pen.convex(*corners), main if top != 0.2 else darker(main, share=0.12))
    else:
        crown = pen.ellipse(0.0, -0.35, random.uniform(0.45, 0.7), 0.55)
        np.minimum(crown, pen.disc(-0.38, -0.05, 0.36), out=crown)
        np.minimum(crown, pen.disc(0.38, -0.08, 0.34), out=crown)
        pen.fill(crown, main)
        pen.fill(pen.disc(-0.18, -0.5, 0.2), lighter(main, share=0.2))


def draw_bird(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a bird from the side, standing or with its wing up."""
    pen.fill(pen.convex((-0.45, 0.05), (-0.98, -0.2), (-0.95, 0.3)), darker(main))
    if random.random_sample() < 0.6:
        for foot in (-0.1, 0.12):
            pen.fill(pen.line(foot, 0.4, foot + 0.06, 0.88, 0.035), COLOURS["orange"])
    pen.fill(pen.ellipse(-0.05, 0.12, 0.58, 0.4), main)
    pen.fill(pen.convex((0.66, -0.42), (0.66, -0.14), (0.99, -0.24)), COLOURS["orange"])
    pen.fill(pen.disc(0.45, -0.3, 0.3), main)
    pen.fill(pen.disc(0.53, -0.36, 0.07), COLOURS["black"])
    wing = darker(main, share=0.25)
    if random.random_sample() < 0.5:
        pen.fill(pen.convex((-0.35, 0.1), (0.2, 0.1), (-0.4, -0.85)), wing)
    else:
        pen.fill(pen.ellipse(-0.15, 0.12, 0.34, 0.2), wing)


def draw_fish(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a fish from the side."""
    fin = darker(main, share=0.2)
    pen.fill(pen.convex((-0.4, 0.0), (-0.98, -0.48), (-0.98, 0.48)), fin)
    pen.fill(pen.convex((-0.25, -0.25), (0.3, -0.3), (-0.15, -0.75)), fin)
    body = pen.ellipse(0.15, 0.0, 0.78, random.uniform(0.36, 0.52))
    pen.fill(body, main)
    if random.random_sample() < 0.5:
        for x in (-0.2, 0.12):
            pen.fill(np.maximum(body, pen.box(x, -1.0, x + 0.14, 1.0)), lighter(main))
    pen.fill(pen.disc(0.6, -0.1, 0.11), COLOURS["white"])
    pen.fill(pen.disc(0.63, -0.1, 0.06), COLOURS["black"])


def draw_flower(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw petals around a heart, on a stem with a leaf."""
    pen.fill(pen.line(0.0, -0.2, random.uniform(-0.1, 0.1), 0.95, 0.05), COLOURS["green"])
    pen.fill(pen.ellipse(0.26, 0.6, 0.26, 0.11), COLOURS["green"])
    petal = random.uniform(0.21, 0.27)
    for x, y in directions((5, 6, 8)[random.randint(3)]):
        pen.fill(pen.disc(0.36 * x, -0.38 + 0.36 * y, petal), main)
    heart = (COLOURS["yellow"], COLOURS["orange"], COLOURS["white"])[random.randint(3)]
    pen.fill(pen.disc(0.0, -0.38, random.uniform(0.17, 0.24)), heart)


def draw_mushroom(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a stem under a spotted cap."""
    stem = random.uniform(0.16, 0.28)
    pen.fill(
        pen.convex((-stem, -0.1), (stem, -0.1), (stem + 0.08, 0.92), (-stem - 0.08, 0.92)),
        (236.0, 226.0, 204.0),
    )
    dome = pen.ellipse(0.0, 0.08, 0.92, random.uniform(0.75, 0.98))
    pen.fill(np.maximum(dome, pen.y - 0.1), main)
    for x, y, radius in ((-0.45, -0.2, 0.14), (0.05, -0.5, 0.15), (0.48, -0.15, 0.12)):
        pen.fill(pen.disc(x, y, radius), COLOURS["white"])


def draw_apple(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw two lobes, a stalk and a leaf."""
    body = np.minimum(pen.ellipse(-0.24, 0.22, 0.58, 0.68), pen.ellipse(0.24, 0.22, 0.58, 0.68))
    pen.fill(body, main)
    pen.fill(pen.ellipse(-0.4, 0.0, 0.13, 0.2), lighter(main))
    pen.fill(pen.line(0.0, -0.35, random.uniform(-0.05, 0.15), -0.85, 0.06), COLOURS["brown"])
    if random.random_sample() < 0.75:
        pen.fill(pen.ellipse(0.36, -0.66, 0.28, 0.13), COLOURS["green"])


def draw_heart(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a heart."""
    point = random.uniform(0.8, 0.95)
    shape = np.minimum(pen.disc(-0.45, -0.3, 0.5), pen.disc(0.45, -0.3, 0.5))
    lower = pen.convex((-0.84, 0.02), (-0.3, -0.32), (0.3, -0.32), (0.84, 0.02), (0.0, point))
    np.minimum(shape, lower, out=shape)
    pen.fill(shape, main)
    if random.random_sample() < 0.5:
        pen.fill(pen.ellipse(-0.5, -0.42, 0.14, 0.18), lighter(main))


def draw_snowman(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw two or three balls of snow with a face, often a hat."""
    shade = darker(main, share=0.08)
    pen.fill(pen.disc(0.0, 0.55, 0.43), main)
    if random.random_sample() < 0.7:
        pen.fill(pen.disc(0.0, 0.0, 0.32), shade)
    else:
        pen.fill(pen.disc(0.0, 0.05, 0.4), shade)
    pen.fill(pen.disc(0.0, -0.45, 0.25), main)
    for x in (-0.09, 0.09):
        pen.fill(pen.disc(x, -0.5, 0.045), COLOURS["black"])
    pen.fill(pen.convex((0.0, -0.44), (0.0, -0.36), (0.26, -0.38)), COLOURS["orange"])
    for y in (-0.02, 0.16):
        pen.fill(pen.disc(0.0, y, 0.045), COLOURS["black"])
    if random.random_sample() < 0.7:
        hat = (COLOURS["black"], COLOURS["red"], COLOURS["blue"])[random.randint(3)]
        pen.fill(pen.box(-0.34, -0.7, 0.34, -0.62), hat)
        pen.fill(pen.box(-0.2, -0.97, 0.2, -0.65), hat)


def draw_butterfly(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw four wings, a body and feelers."""
    lower = random.uniform(0.26, 0.36)
    for side in (-1.0, 1.0):
        pen.fill(pen.disc(side * 0.4, 0.42, lower), darker(main, share=0.2))
        pen.fill(pen.ellipse(side * 0.5, -0.25, 0.44, 0.42), main)
        pen.fill(pen.disc(side * 0.55, -0.28, 0.17), lighter(main))
        pen.fill(pen.line(0.0, -0.5, side * 0.25, -0.92, 0.03), COLOURS["black"])
    pen.fill(pen.ellipse(0.0, 0.05, 0.09, 0.62), COLOURS["black"])
