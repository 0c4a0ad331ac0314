import codecs
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


def test_what_systems_leave_is_hidden_too(folder):
    for name in ("__MACOSX/e.png", "sub/Thumbs.db"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    noted = []
    assert len(find_images(["."], note=noted.append)) == 3
    assert noted == ["5 files and folders passed over: 2 hidden, 2 hidden folder, 1 .txt."]


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


def test_what_is_passed_over_is_counted_by_reason(folder):
    for name in ("IMG.HEIC", "IMG2.heic", "plan.pdf", "README", "e.JPE", "f.jp2", "g.ppm"):
        Path(name).touch()
    Path("there").symlink_to("sub", target_is_directory=True)
    noted = []
    found = find_images(["."], note=noted.append)
    assert [path.name for path in found] == ["a.png", "b.JPG", "e.JPE", "f.jp2", "g.ppm", "c.webp"]
    assert noted == [
        "8 files and folders passed over: 2 .heic, 1 .pdf, 1 .txt, 1 hidden, 1 hidden folder, "
        "1 linked folder, 1 without an ending; to have .heic, .pdf read, save as JPEG or PNG."
    ]


def test_nothing_is_said_where_nothing_is_passed_over(folder):
    noted = []
    find_images(["sub", "notes.txt"], note=noted.append)
    assert noted == []


def test_a_loop_of_links_is_not_followed(folder):
    Path("sub/up").symlink_to("..", target_is_directory=True)
    noted = []
    assert find_images(["sub"], note=noted.append) == [Path("sub/c.webp")]
    assert noted == ["1 folder passed over: 1 linked folder."]


def test_a_folder_that_cannot_be_read_is_counted(folder, monkeypatch):
    scan = os.scandir

    def refuse(path):
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    noted = []
    find_images(["."], note=noted.append)
    assert "1 unreadable folder" in noted[0]


def test_a_folder_of_other_files_says_what_is_there(folder):
    Path("phone").mkdir()
    Path("phone/1.HEIC").touch()
    with pytest.raises(ValueError, match=r"no image in this folder \(there are: 1 \.heic\)"):
        find_images(["phone"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", ["\n", "\r\n", "\0"])
def test_a_mark_says_what_the_encoding_of_a_list_is(encoding, separator):
    names = ["ö a.jpg", "./sub/b.jpg", ""]
    found = split_names(separator.join(names).encode(encoding))
    assert found == [Path("ö a.jpg"), Path("sub/b.jpg")]


def test_a_big_endian_list_and_one_that_is_cut_off():
    content = codecs.BOM_UTF16_BE + "a.jpg\nb.jpg".encode("utf-16-be")
    assert split_names(content) == [Path("a.jpg"), Path("b.jpg")]
    with pytest.raises(ValueError, match=r"must be in utf-16.*as its byte order mark says"):
        split_names(content[:-1])


def test_odd_bytes_stay_behind_a_mark_too():
    assert split_names(codecs.BOM_UTF8 + b"\xff.jpg") == [Path(os.fsdecode(b"\xff.jpg"))]


def test_blanks_around_a_line_belong_to_a_name_only_if_there_is_such_a_file(folder):
    Path("d.jpg ").touch()
    assert split_names(b"a.png  \n\tb.JPG\nd.jpg \n") == [
        Path("a.png"),
        Path("b.JPG"),
        Path("d.jpg "),
    ]


def test_a_list_of_names_keeps_blanks_and_odd_bytes():
    found = split_names(b"b c.jpg\na.jpg\r\n\nb c.jpg\n\xff.jpg")
    assert [os.fsencode(path) for path in found] == [b"b c.jpg", b"a.jpg", b"\xff.jpg"]


def test_names_separated_by_nul_may_contain_newlines():
    assert split_names(b"a\nb.jpg\0c.jpg\0") == [Path("a\nb.jpg"), Path("c.jpg")]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\0", b"  \n"])
def test_an_empty_list_is_refused(content):
    with pytest.raises(ValueError, match="the list of images is empty"):
        split_names(content)
