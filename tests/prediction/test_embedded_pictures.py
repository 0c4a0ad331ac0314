import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from trmml.prediction.embedded_pictures import MOST_BYTES, embedded_picture


def opened(uri: str) -> tuple[int, Image.Image]:
    start, data = uri.split(",")
    assert start == "data:image/jpeg;base64"
    content = base64.b64decode(data)
    return len(content), Image.open(BytesIO(content))


@pytest.mark.parametrize(
    ("size", "expected"), [((4000, 2000), (384, 192)), ((40, 20), (40, 20)), ((5000, 1), (384, 1))]
)
def test_a_picture_keeps_its_shape_and_is_never_enlarged(size, expected):
    assert opened(embedded_picture(Image.new("RGB", size)))[1].size == expected


def test_what_is_finer_than_its_room_is_made_coarser(monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    length, picture = opened(embedded_picture(Image.fromarray(noise)))
    assert length <= MOST_BYTES
    assert picture.size == (384, 384)
    monkeypatch.setattr("trmml.prediction.embedded_pictures.MOST_BYTES", 8_000)
    length, picture = opened(embedded_picture(Image.fromarray(noise)))
    assert length <= 8_000
    assert picture.size == (192, 192)
