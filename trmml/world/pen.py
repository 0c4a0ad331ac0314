"""An anti-aliased pen whose pixels are the same on every machine.

Only operations that IEEE 754 rounds exactly are used (+, -, *, /, sqrt, comparisons, floor), one
array operation at a time, so that neither a maths library nor the order of a sum can change a bit.
"""

from math import sqrt

import numpy as np
from jaxtyping import Float32

__all__ = ["Colour", "Field", "Pen", "directions"]

Colour = tuple[float, float, float]
"""Red, green and blue, each in [0, 255]."""

Field = Float32[np.ndarray, "height width"]
"""A signed distance or a coverage per pixel; distances are negative inside a shape."""

_FIRST_STEP = {
    4: (0.0, 1.0),
    5: ((sqrt(5.0) - 1.0) / 4.0, sqrt(10.0 + 2.0 * sqrt(5.0)) / 4.0),
    6: (0.5, sqrt(3.0) / 2.0),
    8: (sqrt(0.5), sqrt(0.5)),
    12: (sqrt(3.0) / 2.0, 0.5),
}


def directions(count: int) -> list[tuple[float, float]]:
    """Return unit vectors evenly spread over the circle, the first pointing up.

    Args:
        count: How many: 4, 5, 6, 8 or 12 (those whose cosine is a square root).

    Returns:
        Vectors (x, y) with y pointing down, in order around the circle.
    """
    cos, sin = _FIRST_STEP[count]
    x, y = 0.0, -1.0
    around = []
    for _ in range(count):
        around.append((x, y))
        x, y = cos * x - sin * y, sin * x + cos * y
    return around


class Pen:
    """Draw one object, in its own coordinates, into a small transparent layer.

    The object lives in the square [-1, 1] x [-1, 1], x to the right and y down; the layer is the
    smallest one that holds the rotated square.

    Args:
        half: Half the object's size in pixels.
        rotation: Cosine and sine of the angle it is turned by.
        stretch: Factor on its width.
        flip: Whether it is mirrored left to right.
        shift: Fraction of a pixel, in x and y, by which its centre misses the layer's centre.
    """

    def __init__(
        self,
        half: float,
        *,
        rotation: tuple[float, float] = (1.0, 0.0),
        stretch: float = 1.0,
        flip: bool = False,
        shift: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Lay out an empty layer."""
        cos, sin = rotation
        wide, tall = half * max(stretch, 0.1), half
        self.reach_x = int(abs(cos) * wide + abs(sin) * tall) + 2
        self.reach_y = int(abs(sin) * wide + abs(cos) * tall) + 2
        steps_x = np.arange(-self.reach_x, self.reach_x + 1).astype(np.float32) - shift[0]
        steps_y = np.arange(-self.reach_y, self.reach_y + 1).astype(np.float32) - shift[1]
        sign = -1.0 if flip else 1.0
        self.x: Field = (steps_x * (sign * cos / wide))[None, :] + (steps_y * (sign * sin / wide))[
            :, None
        ]
        self.y: Field = (steps_x * (-sin / tall))[None, :] + (steps_y * (cos / tall))[:, None]
        self.half = half
        self.alpha: Field = np.zeros_like(self.x)
        self.colour: Float32[np.ndarray, "3 height width"] = np.zeros(
            (3, *self.x.shape), np.float32
        )
        self._empty = True

    def fill(self, distance: Field, colour: Colour, *, opacity: float = 1.0) -> None:
        """Paint the inside of a shape over what is there, its border one pixel soft."""
        cover = distance * -self.half
        cover += 0.5
        np.maximum(cover, 0.0, out=cover)
        np.minimum(cover, 1.0, out=cover)
        if opacity != 1.0:
            cover *= opacity
        paint = np.array(colour, dtype=np.float32).reshape(3, 1, 1)
        if self._empty:
            # The whole layer takes the first colour, so soft borders never mix with black.
            self.colour[...] = paint
            self._empty = False
        else:
            step = paint - self.colour
            step *= cover
            self.colour += step
        np.maximum(self.alpha, cover, out=self.alpha)

    def disc(self, x: float, y: float, radius: float) -> Field:
        """Return the distance to a disc."""
        across, down = self.x - x, self.y - y
        across *= across
        down *= down
        across += down
        np.sqrt(across, out=across)
        across -= radius
        return across

    def ellipse(self, x: float, y: float, radius_x: float, radius_y: float) -> Field:
        """Return the distance to an ellipse, exact on its border and in sign."""
        across, down = self.x - x, self.y - y
        across *= 1.0 / radius_x
        down *= 1.0 / radius_y
        across *= across
        down *= down
        across += down
        np.sqrt(across, out=across)
        across -= 1.0
        across *= min(radius_x, radius_y)
        return across

    def ring(self, x: float, y: float, radius: float, half_width: float) -> Field:
        """Return the distance to a circle drawn with a line of the given half width."""
        distance = self.disc(x, y, radius)
        np.abs(distance, out=distance)
        distance -= half_width
        return distance

    def box(self, left: float, top: float, right: float, bottom: float) -> Field:
        """Return the distance to a rectangle along the axes."""
        across = np.abs(self.x - (left + right) / 2.0)
        across -= (right - left) / 2.0
        down = np.abs(self.y - (top + bottom) / 2.0)
        down -= (bottom - top) / 2.0
        return np.maximum(across, down, out=across)

    def convex(self, *corners: tuple[float, float]) -> Field:
        """Return the distance to a convex polygon, its corners in either order around it."""
        area = 0.0
        for (ax, ay), (bx, by) in zip(corners, (*corners[1:], corners[0]), strict=True):
            area += ax * by - bx * ay
        turn = 1.0 if area > 0 else -1.0
        distance = np.full_like(self.x, -np.inf)
        for (ax, ay), (bx, by) in zip(corners, (*corners[1:], corners[0]), strict=True):
            np.maximum(
                distance, self.edge(ax, ay, turn * (by - ay), turn * (ax - bx)), out=distance
            )
        return distance

    def edge(self, x: float, y: float, normal_x: float, normal_y: float) -> Field:
        """Return the distance to the half plane through (x, y) that the normal points out of."""
        length = sqrt(normal_x * normal_x + normal_y * normal_y)
        normal_x, normal_y = normal_x / length, normal_y / length
        distance = self.x * normal_x
        distance += self.y * normal_y
        distance -= x * normal_x + y * normal_y
        return distance

    def line(self, ax: float, ay: float, bx: float, by: float, half_width: float) -> Field:
        """Return the distance to a line from a to b with round ends."""
        along_x, along_y = bx - ax, by - ay
        across, down = self.x - ax, self.y - ay
        share = across * (along_x / (along_x * along_x + along_y * along_y))
        share += down * (along_y / (along_x * along_x + along_y * along_y))
        np.maximum(share, 0.0, out=share)
        np.minimum(share, 1.0, out=share)
        across -= share * along_x
        down -= share * along_y
        across *= across
        down *= down
        across += down
        np.sqrt(across, out=across)
        across -= half_width
        return across

    def star(self, x: float, y: float, radius: float) -> Field:
        """Return the distance to a five-pointed star: outside one of its five lines at most."""
        # A pentagram's lines lie at cos(72 degrees) of the radius from the centre.
        apothem = radius * (sqrt(5.0) - 1.0) / 4.0
        largest = np.full_like(self.x, -np.inf)
        second = largest.copy()
        for normal_x, normal_y in directions(5):
            edge = self.edge(x + apothem * normal_x, y + apothem * normal_y, normal_x, normal_y)
            np.maximum(second, np.minimum(largest, edge), out=second)
            np.maximum(largest, edge, out=largest)
        return second
