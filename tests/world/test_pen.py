import math
from collections.abc import Callable

import numpy as np
import pytest

from trmml.world.backdrops import blur
from trmml.world.categories import CATEGORIES
from trmml.world.clutter import draw_clutter
from trmml.world.palette import COLOURS, darker, lighter, vary
from trmml.world.pen import Pen, directions


def at(pen: Pen, field: np.ndarray, x: float, y: float) -> float:
    """Return a field at the pixel nearest to a place in the object's coordinates."""
    nearest = (pen.x - x) ** 2 + (pen.y - y) ** 2
    return float(field.reshape(-1)[nearest.argmin()])


@pytest.mark.parametrize("count", [4, 5, 6, 8, 12])
def test_directions_are_even_steps_around_the_circle(count: int) -> None:
    for index, (x, y) in enumerate(directions(count)):
        angle = 2.0 * math.pi * index / count
        assert x == pytest.approx(math.sin(angle), abs=1e-12)
        assert y == pytest.approx(-math.cos(angle), abs=1e-12)


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        (lambda pen: pen.disc(0.1, -0.1, 0.7), math.pi * 0.49),
        (lambda pen: pen.ellipse(0.0, 0.1, 0.8, 0.5), math.pi * 0.4),
        (lambda pen: pen.ring(0.0, 0.0, 0.7, 0.1), math.pi * (0.64 - 0.36)),
        (lambda pen: pen.box(-0.5, -0.25, 0.7, 0.5), 1.2 * 0.75),
        (lambda pen: pen.convex((-0.8, 0.7), (0.8, 0.7), (0.0, -0.7)), 1.12),
        (lambda pen: pen.convex((0.0, -0.7), (0.8, 0.7), (-0.8, 0.7)), 1.12),
        (lambda pen: pen.line(-0.5, -0.2, 0.5, -0.2, 0.1), 0.2 + math.pi * 0.01),
        # ten triangles between the tips at 0.9 and the inner corners of a pentagram
        (lambda pen: pen.star(0.0, 0.0, 0.9), 1.12257 * 0.81),
    ],
)
def test_a_filled_shape_covers_its_area(shape: Callable[[Pen], np.ndarray], area: float) -> None:
    pen = Pen(100.0)
    pen.fill(shape(pen), (255.0, 0.0, 0.0))
    assert float(pen.alpha.sum()) / 100.0**2 == pytest.approx(area, rel=0.02)


def test_distances_are_negative_inside_and_measured_in_the_objects_units() -> None:
    pen = Pen(50.0)
    disc = pen.disc(0.0, 0.0, 0.5)
    assert at(pen, disc, 0.0, 0.0) == pytest.approx(-0.5, abs=1e-6)
    assert at(pen, disc, 0.9, 0.0) == pytest.approx(0.4, abs=0.02)


def test_turning_and_mirroring_move_what_is_drawn() -> None:
    def tip(**placing: object) -> tuple[float, float]:
        pen = Pen(40.0, **placing)  # pyright: ignore[reportArgumentType]
        pen.fill(pen.disc(0.7, 0.0, 0.2), (0.0, 0.0, 0.0))
        rows, columns = (pen.alpha > 0.5).nonzero()
        return columns.mean() - pen.reach_x, rows.mean() - pen.reach_y

    assert tip() == pytest.approx((28.0, 0.0), abs=0.5)
    assert tip(flip=True) == pytest.approx((-28.0, 0.0), abs=0.5)
    assert tip(rotation=(0.0, 1.0)) == pytest.approx((0.0, 28.0), abs=0.5)
    assert tip(stretch=0.5) == pytest.approx((14.0, 0.0), abs=0.5)


def test_a_soft_border_keeps_the_shapes_colour() -> None:
    pen = Pen(20.0)
    pen.fill(pen.disc(0.0, 0.0, 0.5), (200.0, 100.0, 50.0))
    assert pen.colour is not None
    np.testing.assert_allclose(pen.colour[0], 200.0)
    assert ((pen.alpha > 0.0) & (pen.alpha < 1.0)).any()


@pytest.mark.parametrize("name", CATEGORIES)
def test_every_category_fills_its_square_without_leaving_it(name: str) -> None:
    for seed in range(4):
        pen = Pen(40.0)
        CATEGORIES[name].draw(pen, np.random.RandomState(seed), (200.0, 40.0, 40.0))
        rows, columns = (pen.alpha > 0.5).nonzero()
        assert max(np.ptp(rows), np.ptp(columns)) > 1.2 * 40.0
        assert pen.alpha[[0, -1]].max() == 0.0
        assert pen.alpha[:, [0, -1]].max() == 0.0


def test_usual_colours_are_colours_with_a_name() -> None:
    assert {colour for kind in CATEGORIES.values() for colour in kind.colours} <= set(COLOURS)


def test_colours_stay_in_range() -> None:
    random = np.random.RandomState(0)
    assert all(0.0 <= channel <= 255.0 for channel in vary((0.0, 255.0, 128.0), random, amount=90))
    assert darker((100.0, 0.0, 200.0), share=0.5) == (50.0, 0.0, 100.0)
    assert lighter((55.0, 255.0, 155.0), share=0.5) == (155.0, 255.0, 205.0)


def test_clutter_of_every_kind_can_be_drawn() -> None:
    sizes = {
        draw_clutter(np.random.RandomState(seed), 128, large=0.2).alpha.size for seed in range(40)
    }
    assert len(sizes) > 10


def test_blur_keeps_a_flat_picture_and_spreads_a_point() -> None:
    flat = np.full((3, 16, 16), 7.0, dtype=np.float32)
    blur(flat, centre=0.5)
    np.testing.assert_allclose(flat, 7.0)
    point = np.zeros((3, 5, 5), dtype=np.float32)
    point[:, 2, 2] = 16.0
    blur(point, centre=0.5)
    np.testing.assert_allclose(point[0, 1:4, 1:4], [[1, 2, 1], [2, 4, 2], [1, 2, 1]])
