import json

import pytest
from PIL import Image

from tests.prediction.photographs import NAMES, small_model


def test_overlays_and_a_sheet_are_written_and_named(home, run):
    status, out, err = run("heatmap", "model", "photos", "--out", "new/regions", "--top-k", 2)
    assert status == 0
    files = out.splitlines()
    assert files[0] == "new/regions/contact_sheet.jpg"
    assert len(files) == 1 + 7 * 2
    assert sorted(files) == sorted(str(path.relative_to(home)) for path in home.glob("new/*/*"))
    assert "7 photographs drawn." in err
    assert "Drawing" in err


def test_classes_are_chosen_by_name_even_with_a_comma(home, run):
    options = ("--classes", 'Bäume, "sunset, red"', "--out", "regions", "--json", "--quiet")
    status, out, err = run("heatmap", "model", "photos/3, ö.png", *options)
    assert (status, err) == (0, "")
    assert json.loads(out) == {
        "sheets": ["regions/contact_sheet.jpg"],
        "overlays": {
            "photos/3, ö.png": [
                "regions/0001-3,_ö-Bäume.jpg",
                "regions/0001-3,_ö-sunset,_red.jpg",
            ]
        },
    }
    with Image.open("regions/0001-3,_ö-Bäume.jpg") as overlay, Image.open("photos/3, ö.png") as it:
        assert overlay.width == it.width
        assert overlay.height > it.height  # the caption


def test_a_damaged_photograph_is_passed_over(home, run):
    (home / "photos" / "1, ö.png").write_bytes(b"no image")
    status, out, err = run("heatmap", "model", "photos", "--out", "regions", "--quiet")
    assert status == 1
    assert len(out.splitlines()) == 1 + 6 * 3
    assert err.startswith("trmml: photos/1, ö.png: not an image")


def test_no_readable_photograph_leaves_no_sheet(home, run):
    (home / "photos" / "1, ö.png").write_bytes(b"no image")
    status, out, _ = run("heatmap", "model", "photos/1, ö.png", "--out", "regions")
    assert (status, out) == (1, "")
    assert not (home / "regions").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "regions", "--classes", "dog"], f"got also 'dog'; it knows {', '.join(NAMES)}"),
        (["--out", "regions", "--classes", ""], "(after --classes) must not be empty"),
        (["--out", "labels.csv"], "labels.csv"),
        ([], "--out"),
    ],
)
def test_a_wrong_call_ends_with_2(home, run, arguments, message):
    status, out, err = run("heatmap", "model", "photos", *arguments)
    assert (status, out) == (2, "")
    assert message in err


def test_classes_with_names_alike_get_files_of_their_own(home, run):
    names = ["a/b", "a & b", "A_b", "x" * 40, "x" * 41]
    small_model(names).save_pretrained(home / "model")
    status, out, _ = run("heatmap", "model", "photos", "--out", "regions", "--top-k", 5, "--quiet")
    assert status == 0
    files = out.splitlines()[1:]
    assert len({file.casefold() for file in files}) == 7 * 5
    assert all((home / file).is_file() for file in files)
