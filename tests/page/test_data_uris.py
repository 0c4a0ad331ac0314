import base64
import re
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from trmml.page.data_uris import THUMBNAIL_SIDE, VEIL_SIDE, photograph_uri, thumbnail, veil_over


def opened(uri: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(uri.split("base64,")[1])))


def test_a_large_photograph_is_made_small_and_keeps_its_shape() -> None:
    assert opened(photograph_uri(Image.new("RGB", (4000, 2000)))).size == (1024, 512)
    assert opened(photograph_uri(Image.new("RGB", (40, 20)))).size == (40, 20)


def test_a_thumbnail_is_small_and_the_photograph_stays() -> None:
    photograph = Image.new("RGB", (4 * THUMBNAIL_SIDE, 2 * THUMBNAIL_SIDE))
    assert thumbnail(photograph).size == (THUMBNAIL_SIDE, THUMBNAIL_SIDE // 2)
    assert photograph.size == (4 * THUMBNAIL_SIDE, 2 * THUMBNAIL_SIDE)


def points(outline: str) -> np.ndarray:
    return np.array([[*map(float, pair)] for pair in re.findall(r"([\d.]+) ([\d.]+)", outline)])


def test_the_veil_is_open_where_the_region_is() -> None:
    region = torch.zeros(4, 4)
    region[0, 3] = 0.3  # faint, but the strongest there is
    veil = veil_over(region, (600, 300))
    assert veil.size == opened(veil.uri).size == (VEIL_SIDE, VEIL_SIDE // 2)
    opacity = np.asarray(opened(veil.uri))[..., 1]
    assert opacity[1, -2] < 25  # the corner is lit
    assert opacity[30, 30] > 170


def test_a_line_surrounds_the_region_closely() -> None:
    region = torch.zeros(8, 8)
    region[2:6, 2:6] = 1.0
    veil = veil_over(region, (400, 400))
    line = points(veil.outline)
    assert veil.outline.count("M") == 1
    np.testing.assert_array_equal(line[0], line[-1])  # closed
    low, high = VEIL_SIDE / 4, 3 * VEIL_SIDE / 4
    np.testing.assert_allclose(line.min(axis=0), low, atol=2)
    np.testing.assert_allclose(line.max(axis=0), high, atol=2)


def test_the_line_follows_the_light_between_the_veils_pixels() -> None:
    across = torch.linspace(0, 1, VEIL_SIDE).expand(VEIL_SIDE, VEIL_SIDE)  # half in the middle
    line = points(veil_over(across, (90, 90)).outline)
    np.testing.assert_allclose(line[:, 0], VEIL_SIDE / 2, atol=0.1)


@pytest.mark.parametrize("size", [(1, 1), (5000, 3), (3, 5000)])
def test_any_shape_has_a_veil(size: tuple[int, int]) -> None:
    veil = veil_over(torch.rand(7, 7), size)
    assert max(opened(veil.uri).size) == VEIL_SIDE


def test_no_region_leaves_all_dark_and_has_no_line() -> None:
    veil = veil_over(torch.zeros(7, 7), (90, 90))
    assert np.asarray(opened(veil.uri))[..., 1].min() > 170
    assert veil.outline == ""
