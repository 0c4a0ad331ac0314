"""How to draw what people hold, hang up and play with: one function a category."""

import numpy as np

from trmml.world.palette import COLOURS, darker, lighter
from trmml.world.pen import Colour, Pen, directions

__all__ = [
    "draw_arrow",
    "draw_ball",
    "draw_bottle",
    "draw_clock",
    "draw_cup",
    "draw_flag",
    "draw_key",
    "draw_kite",
    "draw_lamp",
    "draw_umbrella",
]

_Random = np.random.RandomState


def _any_colour(random: _Random) -> Colour:
    """Return one of the named colours."""
    return tuple(COLOURS.values())[random.randint(len(COLOURS))]


def draw_arrow(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a straight arrow; it may point anywhere."""
    half, neck = random.uniform(0.12, 0.22), random.uniform(0.1, 0.3)
    pen.fill(pen.box(-0.95, -half, neck + 0.05, half), main)
    pen.fill(pen.convex((neck, -0.6), (0.97, 0.0), (neck, 0.6)), main)


def draw_ball(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a beach ball, a striped ball or a ball with dots."""
    whole = pen.disc(0.0, 0.0, 0.92)
    pen.fill(whole, main)
    second = COLOURS["white"] if random.random_sample() < 0.7 else COLOURS["yellow"]
    pattern = random.randint(3)
    if pattern == 0:
        around = directions(6)
        for index in (0, 2, 4):
            (ax, ay), (bx, by) = around[index], around[index + 1]
            wedge = pen.convex((0.0, 0.0), (2.0 * ax, 2.0 * ay), (2.0 * bx, 2.0 * by))
            pen.fill(np.maximum(whole, wedge), second)
    elif pattern == 1:
        pen.fill(np.maximum(whole, pen.box(-1.0, -0.28, 1.0, 0.28)), second)
        pen.fill(np.maximum(whole, pen.ring(0.0, 0.0, 0.88, 0.05)), darker(main))
    else:
        pen.fill(pen.disc(0.0, 0.0, 0.27), second)
        for x, y in directions(5):
            pen.fill(np.maximum(whole, pen.disc(0.72 * x, 0.72 * y, 0.2)), second)


def draw_bottle(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a body, a neck, a cap and a label."""
    wide = random.uniform(0.26, 0.38)
    pen.fill(pen.box(-0.09, -0.9, 0.09, 0.0), main)
    pen.fill(pen.convex((-0.1, -0.5), (0.1, -0.5), (wide, -0.15), (-wide, -0.15)), main)
    pen.fill(pen.box(-wide, -0.16, wide, 0.95), main)
    pen.fill(pen.box(-0.13, -0.98, 0.13, -0.84), darker(main))
    if random.random_sample() < 0.75:
        pen.fill(pen.box(-wide, 0.15, wide, 0.6), COLOURS["white"])


def draw_clock(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a face with a rim, marks and two hands."""
    pen.fill(pen.disc(0.0, 0.0, 0.94), main)
    pen.fill(pen.disc(0.0, 0.0, 0.76), COLOURS["white"])
    for x, y in directions((4, 12)[random.randint(2)]):
        pen.fill(pen.line(0.58 * x, 0.58 * y, 0.67 * x, 0.67 * y, 0.04), COLOURS["black"])
    around = directions(12)
    for length, width in ((0.34, 0.065), (0.52, 0.045)):
        x, y = around[random.randint(12)]
        pen.fill(pen.line(0.0, 0.0, length * x, length * y, width), COLOURS["black"])


def draw_cup(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a cup with a handle, sometimes on a saucer."""
    pen.fill(pen.ring(0.5, -0.02, 0.3, 0.08), darker(main, share=0.15))
    foot = random.uniform(0.34, 0.5)
    pen.fill(pen.convex((-0.7, -0.6), (0.5, -0.6), (foot - 0.1, 0.65), (-0.1 - foot, 0.65)), main)
    pen.fill(pen.ellipse(-0.1, -0.6, 0.6, 0.13), darker(main, share=0.45))
    if random.random_sample() < 0.5:
        pen.fill(pen.ellipse(-0.1, 0.74, 0.85, 0.13), lighter(main))


def draw_flag(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a pole with a striped, crossed or pointed cloth."""
    pen.fill(pen.line(-0.75, -0.92, -0.75, 0.95, 0.055), COLOURS["brown"])
    second = _any_colour(random)
    pattern = random.randint(4)
    if pattern == 0:
        pen.fill(pen.convex((-0.7, -0.88), (0.9, -0.4), (-0.7, 0.08)), main)
    else:
        pen.fill(pen.box(-0.7, -0.88, 0.92, 0.12), main)
    if pattern == 1:
        pen.fill(pen.box(-0.7, -0.55, 0.92, -0.21), second)
    elif pattern == 2:
        pen.fill(pen.box(-0.3, -0.88, -0.08, 0.12), second)
        pen.fill(pen.box(-0.7, -0.49, 0.92, -0.27), second)
    elif pattern == 3:
        pen.fill(pen.box(0.38, -0.88, 0.92, 0.12), second)


def draw_key(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a bow, a shaft and teeth."""
    pen.fill(pen.box(-0.35, -0.08, 0.95, 0.08), main)
    for x in (0.55, 0.82) if random.random_sample() < 0.6 else (0.4, 0.62, 0.84):
        pen.fill(pen.box(x - 0.06, 0.0, x + 0.07, random.uniform(0.28, 0.4)), main)
    pen.fill(pen.ring(-0.6, 0.0, 0.28, 0.1), main)


def draw_kite(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a diamond in two colours with a tail of bows."""
    second = _any_colour(random)
    wide = random.uniform(0.45, 0.6)
    pen.fill(pen.convex((0.0, -0.97), (wide, -0.35), (0.0, 0.45), (-wide, -0.35)), main)
    pen.fill(pen.convex((0.0, -0.97), (wide, -0.35), (0.0, -0.35)), second)
    pen.fill(pen.convex((0.0, 0.45), (-wide, -0.35), (0.0, -0.35)), second)
    x, y = 0.0, 0.45
    for step_x in (0.16, -0.2, 0.14):
        pen.fill(pen.line(x, y, x + step_x, y + 0.17, 0.025), COLOURS["black"])
        x, y = x + step_x, y + 0.17
        bow = (x - 0.12, y - 0.07), (x + 0.12, y + 0.07), (x + 0.12, y - 0.07), (x - 0.12, y + 0.07)
        pen.fill(pen.convex(bow[0], bow[3], (x, y)), main)
        pen.fill(pen.convex(bow[2], bow[1], (x, y)), main)


def draw_lamp(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a shade on a stand."""
    metal = (COLOURS["brown"], COLOURS["black"], COLOURS["grey"])[random.randint(3)]
    pen.fill(pen.box(-0.06, 0.0, 0.06, 0.9), metal)
    pen.fill(np.maximum(pen.ellipse(0.0, 0.95, 0.45, 0.2), pen.y - 0.95), metal)
    top, bottom = random.uniform(0.22, 0.4), random.uniform(0.58, 0.75)
    pen.fill(pen.convex((-top, -0.9), (top, -0.9), (bottom, 0.05), (-bottom, 0.05)), main)
    pen.fill(pen.convex((-bottom, 0.05), (bottom, 0.05), (bottom * 0.94, -0.07),
                        (-bottom * 0.94, -0.07)), darker(main, share=0.2))  # fmt: skip


def draw_umbrella(pen: Pen, random: _Random, main: Colour) -> None:
    """Draw a scalloped canopy over a handle with a hook."""
    wood = (COLOURS["brown"], COLOURS["black"], COLOURS["grey"])[random.randint(3)]
    pen.fill(pen.line(0.0, -0.9, 0.0, 0.75, 0.045), wood)
    hook = np.maximum(pen.ring(0.15, 0.75, 0.15, 0.045), 0.75 - pen.y)
    pen.fill(hook, wood)
    dome = np.maximum(pen.ellipse(0.0, 0.0, 0.95, 0.82), pen.y - 0.04)
    for x in (-0.64, 0.0, 0.64):
        np.maximum(dome, -pen.ellipse(x, 0.06, 0.3, 0.17), out=dome)
    pen.fill(dome, main)
    if random.random_sample() < 0.6:
        second = lighter(main) if random.random_sample() < 0.5 else COLOURS["white"]
        middle = pen.ellipse(0.0, 0.0, 0.32, 0.82)
        pen.fill(np.maximum(dome, middle), second)
