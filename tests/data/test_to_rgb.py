"""One road for a picture: a path and the opened picture give the same pixels, in every mode."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.picture_modes import MODES, SIDE, colours, picture, tiff
from trmml.data import BrokenImageError, decode_image, square_pixels, to_rgb

FORMATS = ("PNG", "TIFF", "WEBP", "JPEG", "GIF", "BMP", "PPM", "JPEG2000")


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_becomes_rgb_and_stays_as_it_was(mode: str) -> None:
    given = picture(mode)
    before = given.copy()
    found = to_rgb(given)
    assert (found.mode, found.size) == ("RGB", (SIDE, SIDE))
    assert given.mode == before.mode
    assert given.tobytes() == before.tobytes()
    assert square_pixels(given, 10).shape == (3, 10, 10)


@pytest.mark.parametrize("mode", sorted({*MODES} - {"La", "RGBa", "HSV", "I;16N"}))
def test_a_path_and_its_opened_picture_are_the_same(mode: str, tmp_path: Path) -> None:
    written = [kind for kind in FORMATS if was_written(picture(mode), tmp_path / kind)]
    assert written  # a mode is left out above if Pillow writes it in no format
    for kind in written:
        with Image.open(tmp_path / kind) as opened:
            found, expected = to_rgb(opened), decode_image(tmp_path / kind)
        assert np.array_equal(np.asarray(found), np.asarray(expected)), kind


def was_written(image: Image.Image, path: Path) -> bool:
    try:
        image.save(path, format=path.name)
        with Image.open(path) as opened:
            opened.load()
    except (OSError, ValueError, KeyError, DeprecationWarning):
        return False
    return True


def test_a_damaged_picture_is_named_when_it_is_opened_by_hand(tmp_path: Path) -> None:
    picture("RGB").resize((90, 90)).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:-60])
    broken = pytest.raises(BrokenImageError, match=r"a\.png: damaged or truncated")
    with Image.open(tmp_path / "a.png") as opened, broken:
        to_rgb(opened)


@pytest.mark.parametrize("mode", ["LA", "La", "RGBA", "RGBa"])
def test_transparency_is_laid_over_white(mode: str) -> None:
    given = picture(mode)
    top, bottom = (np.asarray(to_rgb(given))[row] for row in (0, SIDE - 1))
    assert (top > 240).all()  # clear
    grey = colours().convert("L").convert("RGB") if mode in ("LA", "La") else colours()
    assert np.abs(bottom.astype(int) - np.asarray(grey)[SIDE - 1]).max() < 16  # nearly opaque


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("kind", [np.uint8, bool])
def test_white_is_zero_in_fewer_bits(kind: type, compression: str, tmp_path: Path) -> None:
    levels = np.array([[0, 1]], np.uint8) * 255
    given = Image.fromarray(levels.astype(kind) if kind is bool else levels)
    given.save(tmp_path / "a.tif", tiffinfo={262: 0}, compression=compression)
    assert np.asarray(decode_image(tmp_path / "a.tif"))[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize("white_is_zero", [False, True])
def test_what_zero_means_is_read_from_a_tiff(white_is_zero: bool, tmp_path: Path) -> None:
    levels = np.full((8, 8), 65535, np.uint16)
    levels[:, :4] = 6553
    found = np.asarray(decode_image(tiff(tmp_path / "a.tif", levels, white_is_zero=white_is_zero)))
    assert (found[0, 0, 0] < found[0, 7, 0]) is not white_is_zero
    assert found[0, 7, 0] == (0 if white_is_zero else 255)


@pytest.mark.parametrize(
    ("highest", "shift"), [(200, 0), (4095, 4), (65535, 8)], ids=["8 bits", "12 bits", "16 bits"]
)
def test_integers_of_32_bits_are_read_by_their_range(
    highest: int, shift: int, tmp_path: Path
) -> None:
    levels = np.linspace(0, highest, 64).astype(np.int32).reshape(8, 8)
    Image.fromarray(levels).save(tmp_path / "a.tif")
    assert np.array_equal(np.asarray(decode_image(tmp_path / "a.tif"))[..., 0], levels >> shift)


def test_twelve_bits_in_sixteen_are_not_black(tmp_path: Path) -> None:
    levels = np.linspace(0, 4095, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(levels).save(tmp_path / "a.png")
    assert np.asarray(decode_image(tmp_path / "a.png")).max() == 255


def test_floats_and_larger_integers_are_refused() -> None:
    for given in (Image.new("F", (4, 4)), Image.new("I", (4, 4), 70_000)):
        with pytest.raises(BrokenImageError, match="save it with 8 or 16 bits a channel"):
            to_rgb(given)


@pytest.mark.parametrize("start", [b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\xc5\xd0\xd3\xc6"])
def test_postscript_called_png_starts_no_program(
    start: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a program was started")

    for name in ("run", "Popen", "check_call", "call"):
        monkeypatch.setattr(subprocess, name, refuse)
    path = tmp_path / "photo.png"
    path.write_bytes(start + b"%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n")
    Image.init()  # as a program does that saves pictures of its own
    with pytest.raises(BrokenImageError, match=r"not read \((PostScript|EPS)\)"):
        decode_image(path)


@pytest.mark.parametrize("kind", ["PDF", "ICO", "TGA", "PCX", "SGI", "DDS"])
def test_other_formats_are_not_opened(kind: str, tmp_path: Path) -> None:
    colours().save(tmp_path / "photo.png", format=kind)
    with pytest.raises(BrokenImageError, match="format that is not"):
        decode_image(tmp_path / "photo.png")
