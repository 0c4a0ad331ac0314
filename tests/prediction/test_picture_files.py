import os
import unicodedata

import pytest
from PIL import Image

from trmml.prediction.picture_files import NewNames, write_picture


@pytest.mark.parametrize("name", ["a/b", "a" * 400, "ñ" * 300, "日本" * 99, "\udcff", "..", ""])
def test_any_name_becomes_one_that_a_disk_takes(tmp_path, name):
    made = NewNames().make(name, name, suffix=".jpg")
    write_picture(Image.new("RGB", (4, 4)), tmp_path / made)
    assert [path.name for path in tmp_path.iterdir()] == [made]
    assert len(os.fsencode(made)) <= 255


@pytest.mark.parametrize(
    "pair",
    [
        ("cat/dog", "cat & dog"),
        ("Cat", "cat"),
        ("caf\u00e9", "cafe\u0301"),
        ("a" * 300, "a" * 301),
        ("rain?", "rain*"),
    ],
)
def test_no_two_names_are_one(tmp_path, pair):
    names = NewNames()
    made = [names.make("0001", one, suffix=".jpg") for one in pair]
    assert len({unicodedata.normalize("NFC", name).casefold() for name in made}) == 2


def test_letters_of_any_script_stay():
    assert NewNames().make("0001-Straße", "日本", suffix=".png") == "0001-Straße-日本.png"


def test_a_picture_is_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "old.jpg"
    path.write_bytes(b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_picture(Image.new("RGB", (4, 4)), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
