"""The script that predicts without the library sees the pixels that the library sees."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.picture_modes import MODES, colours, picture, tiff
from trmml.data import to_rgb

pytest.importorskip("onnxruntime")
EXAMPLE = Path(__file__).parents[2] / "examples" / "predict_without_trmml.py"
without_trmml = runpy.run_path(str(EXAMPLE))["to_rgb"]


def same(image: Image.Image) -> None:
    expected = np.asarray(to_rgb(image))
    assert np.array_equal(np.asarray(without_trmml(image)), expected)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode(mode: str) -> None:
    same(picture(mode))


@pytest.mark.parametrize("highest", [200, 4095, 65535])
@pytest.mark.parametrize("white_is_zero", [False, True])
def test_grey_of_many_bits(highest: int, white_is_zero: bool, tmp_path: Path) -> None:
    levels = np.linspace(0, highest, 64).astype(np.uint16).reshape(8, 8)
    with Image.open(tiff(tmp_path / "a.tif", levels, white_is_zero=white_is_zero)) as image:
        same(image)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    colours().resize((30, 20)).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        same(image)


def test_a_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    colours().quantize(8).save(tmp_path / "a.png", transparency=3)
    with Image.open(tmp_path / "a.png") as image:
        same(image)


@pytest.mark.parametrize("damage", [b"Exif\0\0garbage garbage", b"Exif\0\0MM\0\x2a\xff"])
def test_damaged_metadata(damage: bytes, tmp_path: Path) -> None:
    colours().save(tmp_path / "a.jpg", exif=damage)
    with Image.open(tmp_path / "a.jpg") as image:
        same(image)


@pytest.mark.parametrize("given", [Image.new("F", (4, 4)), Image.new("I", (4, 4), 70_000)])
def test_what_has_no_range_is_refused(given: Image.Image) -> None:
    with pytest.raises(ValueError, match="save it with 8 or 16 bits a channel"):
        same(given)
    with pytest.raises(ValueError, match="save it with 8 or 16 bits a channel"):
        without_trmml(given)
