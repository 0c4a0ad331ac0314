import numpy as np
import pytest
import torch
from PIL import Image

from trmml.prediction import Panel, captioned, contact_sheet, overlay
from trmml.prediction.drawing import TINT


def pixels(picture):
    return np.asarray(picture).astype(int)


def test_what_is_seen_is_tinted_and_the_rest_paler_and_little_darker():
    picture = Image.new("RGB", (60, 20), (20, 100, 220))
    heatmap = torch.zeros(4, 4)
    heatmap[:, 3] = 0.3  # weak, but the strongest there is
    seen = overlay(picture, heatmap)
    assert seen.size == (60, 20)
    elsewhere, there = pixels(seen)[10, 0], pixels(seen)[10, 59]
    plain = pixels(picture)[0, 0]
    grey = pixels(picture.convert("L"))[0, 0]
    assert elsewhere.tolist() == [round(0.8 * (value + grey) / 2) for value in plain]
    assert abs(there - (0.6 * plain + 0.4 * np.array(TINT))).max() < 4


def test_a_line_runs_around_where_the_light_is_half():
    heatmap = torch.zeros(1, 10)
    heatmap[0, 5:] = 1
    seen = pixels(overlay(Image.new("RGB", (100, 30), "white"), heatmap))
    line = np.flatnonzero(abs(seen[15] - TINT).max(1) < 70)
    assert {*line.tolist()} <= {48, 49, 50, 51}  # between the halves; the border has none
    assert len(line) > 0


def test_nothing_seen_is_paler_and_without_a_line():
    seen = overlay(Image.new("L", (8, 8), 200), torch.zeros(2, 2))
    assert (pixels(seen) == 160).all()


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
