from weakref import WeakValueDictionary

import numpy as np
import pytest
from PIL import Image

from tests.prediction.photographs import NAMES, own_model, small_model, write_pictures
from trmml.prediction import Panel, draw_heatmaps, draw_sheets, overlay
from trmml.prediction.heatmaps import _small


@pytest.fixture(scope="module")
def model():
    return small_model()


def test_the_most_probable_classes_are_drawn_in_the_photographs_proportions(model, tmp_path):
    (name,) = write_pictures(tmp_path / "in", 1)
    (drawn,) = draw_heatmaps(model, [tmp_path / "in" / name], tmp_path, top_k=2)
    images = model.preprocess(tmp_path / "in" / name)
    values = model.predict(images)[0]
    best = values.topk(2).indices.tolist()
    captions = [f"{NAMES[column]}  {values[column]:.2f}" for column in best]
    assert [panel.caption for panel in drawn.panels] == [name, *captions]
    with Image.open(drawn.files[0]) as file:
        shown = np.asarray(file.convert("RGB")).astype(int)[-30:]
    with Image.open(tmp_path / "in" / name) as photograph:
        expected = np.asarray(overlay(photograph, model.heatmap(images)[0, best[0]])).astype(int)
    assert shown.shape == expected.shape == (30, 50, 3)
    assert abs(shown.mean() - expected.mean()) < 3  # JPEG


def test_a_caption_below_the_threshold_is_grey(tmp_path):
    model = small_model()
    model.decision_thresholds = [0.0, 1.0, 0.0]
    (name,) = write_pictures(tmp_path, 1)
    (drawn,) = draw_heatmaps(model, [tmp_path / name], tmp_path, classes=NAMES)
    assert [panel.color == "black" for panel in drawn.panels] == [True, True, False, True]


def test_a_huge_photograph_is_drawn_smaller(model, tmp_path):
    Image.new("RGB", (3000, 1500)).save(tmp_path / "big.jpg")
    (drawn,) = draw_heatmaps(model, [tmp_path / "big.jpg"], tmp_path, top_k=1)
    with Image.open(drawn.files[0]) as file:
        assert file.width == 1024
        assert 512 < file.height < 560


def test_a_rotated_photograph_is_drawn_upright(model, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 30), "red").save(tmp_path / "r.jpg", exif=exif)
    (drawn,) = draw_heatmaps(model, [tmp_path / "r.jpg"], tmp_path, top_k=1)
    assert drawn.panels[1].picture.size == (30, 60)


def test_equal_names_of_several_folders_stay_apart(model, tmp_path):
    for folder in "ab":
        write_pictures(tmp_path / folder, 1)
    paths = [tmp_path / folder / "0, ö.png" for folder in "ab"]
    files = [file for one in draw_heatmaps(model, paths, tmp_path) for file in one.files]
    assert len({*files}) == 6
    assert all(file.is_file() for file in files)


def test_names_of_classes_cannot_leave_the_folder(tmp_path):
    model = small_model(["../sea", "a/b", "c\\d"])
    (name,) = write_pictures(tmp_path / "in", 1)
    (drawn,) = draw_heatmaps(model, [tmp_path / "in" / name], tmp_path)
    assert {file.parent for file in drawn.files} == {tmp_path}
    assert len([*tmp_path.glob("*.jpg")]) == 3


def test_many_photographs_take_several_sheets(tmp_path, model, monkeypatch):
    monkeypatch.setattr("trmml.prediction.heatmaps.SHEET_ROWS", 2)
    names = write_pictures(tmp_path / "in", 5)
    drawn = draw_heatmaps(model, [tmp_path / "in" / name for name in names], tmp_path)
    sheets = draw_sheets([one.panels for one in drawn], tmp_path)
    written = ["contact_sheet.jpg", "contact_sheet-2.jpg", "contact_sheet-3.jpg"]
    assert [sheet.name for sheet in sheets] == written


def test_of_many_photographs_no_more_are_kept_than_a_sheet_holds(tmp_path, monkeypatch):
    monkeypatch.setattr("trmml.prediction.heatmaps.SHEET_ROWS", 3)
    alive, most = WeakValueDictionary(), []

    def rows():
        for number in range(20):
            picture = Image.new("RGB", (30, 20), (number, 0, 0))
            alive[number] = picture
            most.append(len(alive))
            yield [Panel(picture, "")]
            del picture

    assert len(draw_sheets(rows(), tmp_path)) == 7
    assert max(most) <= 3 + 1  # and the one that is being made


def test_the_command_keeps_no_picture_beyond_its_sheet(model, tmp_path, monkeypatch):
    monkeypatch.setattr("trmml.prediction.heatmaps.SHEET_ROWS", 2)
    alive, most = WeakValueDictionary(), []

    def counted(picture):
        small = alive[len(most)] = _small(picture)
        most.append(len(alive))
        return small

    monkeypatch.setattr("trmml.prediction.heatmaps._small", counted)
    names = write_pictures(tmp_path / "in", 7)
    drawing = draw_heatmaps(model, [tmp_path / "in" / name for name in names], tmp_path, top_k=2)
    draw_sheets((one.panels for one in drawing), tmp_path)
    assert len(most) == 7 * 3
    assert max(most) <= (2 + 2) * 3


def test_rows_without_a_picture_make_no_sheet(tmp_path):
    assert draw_sheets([[], []], tmp_path) == []


def test_pictures_for_a_sheet_are_as_small_as_there(model, tmp_path):
    Image.new("RGB", (900, 900)).save(tmp_path / "big.jpg")
    (drawn,) = draw_heatmaps(model, [tmp_path / "big.jpg"], tmp_path, top_k=1)
    assert [panel.picture.size for panel in drawn.panels] == [(200, 200)] * 2


def test_options_are_checked(model, tmp_path):
    path = [tmp_path / "a.jpg"]
    with pytest.raises(ValueError, match="must be of the model's, got also 'dog'"):
        draw_heatmaps(model, path, tmp_path, classes=["dog"])
    with pytest.raises(ValueError, match="must name at least one class"):
        draw_heatmaps(model, path, tmp_path, classes=[])
    with pytest.raises(ValueError, match="`top_k` must be at least 1, got 0"):
        draw_heatmaps(model, path, tmp_path, top_k=0)
    with pytest.raises(ValueError, match="must have regions to draw them, but a LinearHead only"):
        draw_heatmaps(own_model(), path, tmp_path)
