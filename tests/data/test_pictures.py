from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trmml.data import BrokenImageError, PictureList, open_picture

PIXELS = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)


@pytest.fixture
def path(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_all_roads_lead_to_the_same_pixels(path):
    turned = np.ascontiguousarray(PIXELS[:, ::-1])[:, ::-1]  # the same, in another order in memory
    with Image.open(path) as opened:
        for form in (path, str(path), opened, Image.fromarray(PIXELS), PIXELS, turned):
            picture = open_picture(form)
            assert picture.mode == "RGB"
            assert np.array_equal(np.asarray(picture), PIXELS)


def test_a_grey_array_is_repeated():
    grey = PIXELS[..., 0]
    assert np.array_equal(np.asarray(open_picture(grey)), np.stack([grey] * 3, -1))


@pytest.mark.parametrize(
    ("pixels", "found"),
    [
        (PIXELS.astype(np.float32), r"float32 \[6, 8, 3\]"),
        (PIXELS.astype(np.int64), r"int64 \[6, 8, 3\]"),
        (PIXELS.transpose(2, 0, 1), r"uint8 \[3, 6, 8\]"),
        (np.zeros((4, 5, 4), np.uint8), r"uint8 \[4, 5, 4\]"),
        (np.zeros((4, 5, 1), np.uint8), r"uint8 \[4, 5, 1\]"),
        (PIXELS[None], r"uint8 \[1, 6, 8, 3\]"),
        (np.zeros((0, 5, 3), np.uint8), r"uint8 \[0, 5, 3\]"),
    ],
)
def test_another_array_is_refused_with_the_rule(pixels, found):
    rule = r"must be uint8 of shape \[height width 3\].* or \[height width\] \(grey\), got "
    with pytest.raises(ValueError, match=rule + found):
        open_picture(pixels)


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize("thing", [3, None, {"a.jpg"}])
def test_what_is_neither_a_picture_nor_a_list_is_refused(thing):
    with pytest.raises(TypeError, match=f"a picture must be a file, .* got {type(thing).__name__}"):
        PictureList(thing)
    with pytest.raises(TypeError, match=f"a picture must be a file, .* got {type(thing).__name__}"):
        PictureList([thing])[0]


@pytest.mark.parametrize("address", ["http://127.0.0.1/a.jpg", "HTTPS://127.0.0.1/a.jpg"])
def test_nothing_is_fetched_unless_it_is_asked_for(address, path, monkeypatch):
    asked = []
    monkeypatch.setattr("trmml.data.pictures.fetch_picture", asked.append)
    with pytest.raises(ValueError, match="`allow_urls` must be True for a picture on the network"):
        open_picture(address)
    with pytest.raises(ValueError, match="`allow_urls` must be True"):
        PictureList([path, address])
    assert len(PictureList([path, address], allow_urls=True)) == 2
    assert asked == []  # not before it is read


def test_a_list_names_what_it_holds(path):
    pictures = PictureList([path, PIXELS, "https://a.org/b.png"], allow_urls=True)
    assert pictures.sources == [path, "image 1", "https://a.org/b.png"]
    assert pictures.names == [str(path), "image 1", "https://a.org/b.png"]
    with Image.open(path) as opened:
        assert PictureList(opened).sources == [path]
    assert PictureList("a.png").sources == [Path("a.png")]


def test_a_folder_is_no_picture(tmp_path):
    with pytest.raises(BrokenImageError, match="not a file"):
        open_picture(tmp_path)
