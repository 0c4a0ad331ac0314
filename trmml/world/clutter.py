"""Shapes that belong to no category: what makes finding the others hard."""

import numpy as np

from trmml.world.palette import COLOURS, darker, vary
from trmml.world.pen import Pen

__all__ = ["draw_clutter"]


def draw_clutter(random: np.random.RandomState, size: int, *, large: float) -> Pen:
    """Draw a stone, a stick, a rag, a puddle or another nameless thing.

    Args:
        random: Source of chance.
        size: The scene's height and width in pixels.
        large: Half size of the largest, as a share of the scene's size.

    Returns:
        Its layer.
    """
    tangent = random.uniform(-1.0, 1.0)
    square = tangent * tangent
    half = size * (0.02 + (large - 0.02) * random.random_sample() ** 2)
    pen = Pen(
        half,
        rotation=((1.0 - square) / (1.0 + square), 2.0 * tangent / (1.0 + square)),
        stretch=random.uniform(0.5, 1.6),
    )
    colour = vary(tuple(COLOURS.values())[random.randint(len(COLOURS))], random, amount=60.0)
    second = darker(colour, share=random.uniform(0.1, 0.6))
    kind = random.randint(9)
    if kind == 0:
        pen.fill(pen.ellipse(0.0, 0.0, 0.95, random.uniform(0.3, 0.8)), colour)
    elif kind == 1:
        corners = [random.uniform(0.3, 0.95) for _ in range(4)]
        pen.fill(
            pen.convex(
                (corners[0], 0.0), (0.0, corners[1]), (-corners[2], 0.0), (0.0, -corners[3])
            ),
            colour,
        )
    elif kind == 2:
        pen.fill(
            pen.line(-0.9, 0.0, 0.9, random.uniform(-0.4, 0.4), random.uniform(0.03, 0.12)), colour
        )
    elif kind == 3:
        pen.fill(pen.box(-0.9, -random.uniform(0.2, 0.8), 0.9, random.uniform(0.2, 0.8)), colour)
        pen.fill(pen.box(-0.9, -0.1, random.uniform(-0.5, 0.9), 0.1), second)
    elif kind == 4:
        pen.fill(np.maximum(pen.disc(0.0, 0.0, 0.9), pen.y * random.uniform(0.5, 1.0)), colour)
    elif kind == 5:
        arc = pen.ring(0.0, 0.0, 0.75, random.uniform(0.06, 0.18))
        pen.fill(np.maximum(arc, pen.y - random.uniform(-0.3, 0.6)), colour)
    elif kind == 6:
        pen.fill(pen.line(-0.8, -0.5, 0.1, 0.6, 0.1), colour)
        pen.fill(pen.line(0.1, 0.6, 0.8, random.uniform(-0.8, 0.2), 0.1), second)
    elif kind == 7:
        for _ in range(3):
            x, y = random.uniform(-0.6, 0.6), random.uniform(-0.6, 0.6)
            pen.fill(pen.disc(x, y, random.uniform(0.12, 0.35)), colour)
    else:
        pen.fill(
            pen.convex(
                (-0.9, 0.7), (0.9, random.uniform(0.2, 0.9)), (random.uniform(-0.9, 0.9), -0.8)
            ),
            colour,
        )
        pen.fill(pen.box(-0.5, -0.2, 0.3, 0.15), second)
    return pen
