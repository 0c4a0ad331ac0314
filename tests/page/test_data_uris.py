import base64
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from trmml.page.data_uris import photograph_uri, veil_uri


def opened(uri: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(uri.split("base64,")[1])))


def test_a_large_photograph_is_made_small_and_keeps_its_shape() -> None:
    assert opened(photograph_uri(Image.new("RGB", (4000, 2000)))).size == (1024, 512)
    assert opened(photograph_uri(Image.new("RGB", (40, 20)))).size == (40, 20)


def test_the_veil_is_open_where_the_region_is() -> None:
    region = torch.zeros(4, 4)
    region[0, 3] = 0.3  # faint, but the strongest there is
    veil = opened(veil_uri(region, (600, 300)))
    assert veil.size == (384, 192)
    opacity = np.asarray(veil.convert("RGBA"))[..., 3]
    assert opacity[5, 378] < 25  # the corner is lit
    assert opacity[150, 100] > 170


def test_a_line_surrounds_the_region() -> None:
    region = torch.zeros(8, 8)
    region[2:6, 2:6] = 1.0
    pixels = np.asarray(opened(veil_uri(region, (400, 400))).convert("RGBA"))
    row = pixels[192].astype(int)
    bright = np.flatnonzero((row[:, 0] > 150) & (row[:, 3] > 150))
    assert len(bright) > 1
    assert abs(bright.min() - 96) < 12  # a quarter of 384
    assert abs(bright.max() - 288) < 12


@pytest.mark.parametrize("size", [(1, 1), (5000, 3), (3, 5000)])
def test_any_shape_has_a_veil(size: tuple[int, int]) -> None:
    assert max(opened(veil_uri(torch.rand(7, 7), size)).size) == 384


def test_no_region_leaves_all_dark() -> None:
    opacity = np.asarray(opened(veil_uri(torch.zeros(7, 7), (90, 90))).convert("RGBA"))[..., 3]
    assert opacity.min() > 170
