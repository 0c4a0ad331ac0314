import numpy as np
import pytest
import torch
from PIL import Image

from trmml.prediction import Panel, captioned, contact_sheet, overlay


def pixels(picture):
    return np.asarray(picture).astype(int)


def test_what_is_seen_keeps_its_colours_and_the_rest_is_dark_and_grey():
    picture = Image.new("RGB", (60, 20), (200, 100, 50))
    heatmap = torch.zeros(4, 4)
    heatmap[:, 3] = 0.3  # weak, but the strongest there is
    lit = overlay(picture, heatmap)
    assert lit.size == (60, 20)
    assert pixels(lit)[10, 59].tolist() == [200, 100, 50]
    grey = pixels(picture.convert("L"))[0, 0]
    assert pixels(lit)[10, 0].tolist() == [round(0.3 * grey)] * 3


def test_a_line_runs_around_where_the_light_is_half():
    heatmap = torch.zeros(1, 10)
    heatmap[0, 5:] = 1
    lit = pixels(overlay(Image.new("RGB", (100, 30), "white"), heatmap))
    line = np.flatnonzero((lit[15] == [255, 196, 0]).all(1))
    assert line.tolist() == [50]  # the innermost of its side; the picture's border has none


def test_nothing_seen_is_dark_and_without_a_line():
    lit = overlay(Image.new("L", (8, 8), 200), torch.zeros(2, 2))
    assert (pixels(lit) == 60).all()


def test_a_caption_stands_above_the_whole_picture():
    picture = Image.new("RGB", (300, 40), "red")
    found = captioned(Panel(picture, "sea  0.91"))
    assert found.width == 300
    assert (pixels(found)[-40:] == [255, 0, 0]).all()
    assert pixels(found)[:-40].min() < 100  # letters
    assert (pixels(found)[0] == 255).all()


def test_a_long_caption_is_shortened_to_the_room():
    long = captioned(Panel(Image.new("RGB", (60, 10)), "a very long name of a class"))
    strip = pixels(long)[:-10]
    assert (strip[:, -3:] == 255).all()
    assert strip.min() < 100


def test_letters_beyond_ascii_differ():
    strips = [
        captioned(Panel(Image.new("RGB", (60, 10)), text)).tobytes() for text in ("ä", "Ж", "Ω")
    ]
    assert len({*strips}) == 3


def test_a_sheet_keeps_proportions_and_order():
    wide, high = Image.new("RGB", (400, 100), "red"), Image.new("RGB", (50, 100), "blue")
    sheet = contact_sheet([[Panel(wide, ""), Panel(high, "")], [Panel(wide, "")]], cell=(80, 60))
    values = pixels(sheet)
    red = np.argwhere((values == [255, 0, 0]).all(2))
    blue = np.argwhere((values == [0, 0, 255]).all(2))
    assert len(red) == 2 * 80 * 20
    assert len(blue) == 30 * 60
    assert red[:, 1].max() < blue[:, 1].min()
    assert values[red[-1, 0] + 1 :].min() == 255  # no more room below than the gap
    assert sheet.width == 10 + 2 * (110 + 10)  # room for captions


def test_a_sheet_needs_a_panel():
    with pytest.raises(ValueError, match="`rows` must hold at least one panel"):
        contact_sheet([])
