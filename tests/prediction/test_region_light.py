import pytest
import torch

from trmml.prediction.region_light import outline, region_light


def blob(radius: float, *, side: int = 14) -> torch.Tensor:
    """A round region in the middle that has fallen to half at `radius` positions from it."""
    places = torch.arange(side) - (side - 1) / 2
    squares = places[:, None].square() + places.square()
    return torch.exp2(-squares / radius**2)


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_light_is_relative_to_the_strongest_and_in_the_picture_s_size(scale: float) -> None:
    light = region_light(scale * blob(3.0), (210, 140))
    assert light.shape == (210, 140)
    assert light.min() >= 0
    assert light.max() == 1
    assert (light == light.amax()).nonzero().double().mean(0).tolist() == pytest.approx(
        [104.5, 69.5], abs=1
    )


def test_nothing_seen_is_no_light() -> None:
    assert (region_light(torch.zeros(3, 3), (9, 9)) == 0).all()


def test_half_precision_and_gradients_are_taken_as_they_come() -> None:
    heatmap = blob(3.0).half().requires_grad_()
    light = region_light(heatmap, (28, 28))
    assert (light.dtype, light.requires_grad) == (torch.float32, False)


@pytest.mark.parametrize("radius", [1.5, 3.0])
def test_the_line_around_a_round_region_is_round(radius: float) -> None:
    scale = 30
    line = outline(region_light(blob(radius), (14 * scale, 14 * scale)), width=2)
    rows, columns = (line > 0.5).nonzero(as_tuple=True)
    middle = 7 * scale - 0.5
    radii = ((rows - middle).square() + (columns - middle).square()).sqrt() / scale
    assert len(radii) > 200
    # Straight stretches from position to position, as of a bilinear map, are 0.14 off here.
    assert (radii - radius).abs().max() < 0.1


def test_the_line_is_as_wide_as_asked_and_its_edges_are_soft() -> None:
    light = torch.linspace(0, 1, 101).expand(5, 101)
    for width in (1.0, 4.0):
        line = outline(light, width=width)
        assert line[2].sum() == pytest.approx(width, abs=0.01)
        assert line[2, 50] == 1
    between = outline(light + 0.0025, width=2.0)[2]  # falls to half a quarter of a pixel aside
    assert between[48:53].tolist() == pytest.approx([0.0, 0.75, 1.0, 0.25, 0.0], abs=0.01)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1)])
def test_a_picture_of_one_pixel_has_no_line(size: tuple[int, int]) -> None:
    assert (outline(region_light(blob(2.0), size), width=2) == 0).all()
