import os
import unicodedata

import pytest

from trmml.data.file_names import NameIndex, file_key, other_case, plain_name, resolve_names

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


def touch(folder, *names: str):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("a.jpg", "a.jpg"),
        ("photos\\a.jpg", "photos/a.jpg"),
        ("./a.jpg", "a.jpg"),
        ("photos//a.jpg", "photos/a.jpg"),
        ("photos/../a.jpg", "a.jpg"),
        ("../photos/./a.jpg", "../photos/a.jpg"),
        ("\ufeffa.jpg", "a.jpg"),
        ("/data//a.jpg", "/data/a.jpg"),
        ("http://example.org/a.jpg", "http://example.org/a.jpg"),
        ("a..b/.hidden.jpg", "a..b/.hidden.jpg"),
    ],
)
def test_a_plain_name_has_one_form(name, plain):
    assert plain_name(name) == plain
    assert plain_name(plain) == plain


def test_names_are_as_the_files_are_spelt(tmp_path):
    touch(tmp_path, f"{DECOMPOSED}/{DECOMPOSED}.jpg", "sub/a.jpg", "b.jpg", f"{COMPOSED}.png")
    given = {
        f"{COMPOSED}/{COMPOSED}.jpg": f"{DECOMPOSED}/{DECOMPOSED}.jpg",
        f"{COMPOSED}\\{DECOMPOSED}.jpg": f"{DECOMPOSED}/{DECOMPOSED}.jpg",
        ".\\sub\\..\\sub\\a.jpg": "sub/a.jpg",
        "b\u200b.jpg": "b.jpg",
        "\u202ab.jpg": "b.jpg",
        f"{DECOMPOSED}.png": f"{COMPOSED}.png",
        "gone\\x.jpg": "gone/x.jpg",
        f"{COMPOSED}.gone": f"{COMPOSED}.gone",
        "nul\0.jpg": "nul\0.jpg",
        f"{tmp_path}/{DECOMPOSED}.png": f"{tmp_path}/{COMPOSED}.png",
    }
    assert resolve_names([*given], tmp_path) == [*given.values()]
    assert resolve_names(["x\\a.jpg"], tmp_path / "nowhere") == ["x/a.jpg"]


def test_a_file_that_has_the_sign_in_its_name_is_taken(tmp_path):
    touch(tmp_path, "sub\\a.jpg", "x\u200cy.jpg", "xy.jpg", "p\u200cq.jpg", "p\u200dq.jpg")
    given = ["sub\\a.jpg", "x\u200cy.jpg", "xy.jpg"]
    assert resolve_names(given, tmp_path) == given
    assert resolve_names(["pq.jpg"], tmp_path) == ["pq.jpg"]  # two could be meant


def test_another_case_is_a_hint_and_no_match(tmp_path):
    touch(tmp_path, "Sub/IMG_1.JPG")
    if (tmp_path / "sub").exists():
        pytest.skip("the file system ignores case")
    assert resolve_names(["sub/img_1.jpg"], tmp_path) == ["sub/img_1.jpg"]
    assert other_case("sub\\img_1.jpg", tmp_path) == "Sub/IMG_1.JPG"
    assert other_case("sub/img_2.jpg", tmp_path) is None
    assert other_case("a.jpg", tmp_path / "nowhere") is None


def test_an_index_finds_names_that_look_alike():
    index = NameIndex([f"{COMPOSED}.jpg", "a/b.jpg", "p\u200cq.jpg", "p\u200dq.jpg"])
    assert index.find(f".\\{DECOMPOSED}.jpg") == 0
    assert index.find("a\\b.jpg") == 1
    assert index.find("p\u200dq.jpg") == 3
    assert index.find("pq.jpg") is None
    assert index.other_case("A/b.JPG") == "a/b.jpg"
    assert {file_key(unicodedata.normalize(form, COMPOSED)) for form in ("NFC", "NFD")} == {
        COMPOSED
    }


def test_a_folder_is_listed_once_for_all_its_names(tmp_path, monkeypatch):
    touch(tmp_path, "a.jpg", "sub/b.jpg")
    listed = []
    monkeypatch.setattr(
        os, "listdir", lambda path, real=os.listdir: listed.append(path) or real(path)
    )
    assert resolve_names(["a.jpg", "sub/b.jpg"], tmp_path) == ["a.jpg", "sub/b.jpg"]
    assert listed == []  # what is there at once is looked up by name
    names = [f"sub/{number}.jpg" for number in range(1000)]
    assert resolve_names(names, tmp_path) == names
    assert len(listed) == 2
