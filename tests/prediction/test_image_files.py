import os
from pathlib import Path

import pytest

from trmml.prediction import find_images, split_names


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("b.JPG", "a.png", "sub/c.webp", "notes.txt", ".hidden.png", ".trash/d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


def test_a_folder_is_searched_below_without_what_is_hidden(folder):
    assert find_images(["."]) == [Path("a.png"), Path("b.JPG"), Path("sub/c.webp")]


def test_files_come_once_in_the_order_given_whatever_their_names(folder):
    found = find_images(["notes.txt", "sub", "b.JPG", Path("sub/c.webp")])
    assert found == [Path("notes.txt"), Path("sub/c.webp"), Path("b.JPG")]


def test_what_is_not_there_is_refused(folder):
    with pytest.raises(ValueError, match=r"gone\.jpg: there is nothing"):
        find_images(["a.png", "gone.jpg"])


def test_a_folder_without_images_is_refused(folder):
    Path("empty").mkdir()
    with pytest.raises(ValueError, match=r"empty: there is no image in this folder.*\.jpg"):
        find_images(["a.png", "empty"])


def test_a_list_of_names_keeps_blanks_and_odd_bytes():
    found = split_names(b"b c.jpg\na.jpg\r\n\nb c.jpg\n\xff.jpg")
    assert [os.fsencode(path) for path in found] == [b"b c.jpg", b"a.jpg", b"\xff.jpg"]


def test_names_separated_by_nul_may_contain_newlines():
    assert split_names(b"a\nb.jpg\0c.jpg\0") == [Path("a\nb.jpg"), Path("c.jpg")]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\0", b"  \n"])
def test_an_empty_list_is_refused(content):
    with pytest.raises(ValueError, match="the list of images is empty"):
        split_names(content)
