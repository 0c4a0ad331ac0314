import os

import torch

from trmml.data import ImageTable
from trmml.data.same_files import same_contents, same_files


def table(root, *names: str):
    return ImageTable(root, names, torch.ones(len(names), 1), ["cat"])


def test_files_are_compared_and_not_paths(tmp_path, monkeypatch):
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (photos / name).write_text("equal")
    (tmp_path / "linked").symlink_to(photos)
    (tmp_path / "soft.jpg").symlink_to(photos / "a.jpg")
    os.link(photos / "b.jpg", tmp_path / "hard.jpg")
    train = table(photos, "a.jpg", "b.jpg", "gone.jpg", "x\0y")
    for root, name, other in (
        (tmp_path, "photos/a.jpg", "a.jpg"),
        ("/", str(photos / "a.jpg"), "a.jpg"),
        (photos, "../photos/./a.jpg", "a.jpg"),
        (tmp_path / "linked", "a.jpg", "a.jpg"),
        (tmp_path, "soft.jpg", "a.jpg"),
        (tmp_path, "hard.jpg", "b.jpg"),
        (tmp_path, "linked/gone.jpg", "gone.jpg"),
        (photos, "x\0y", "x\0y"),
    ):
        test = table(root, name, "photos/c.jpg")
        assert same_files(train, test) == [(photos / other, test.paths[0])]
    monkeypatch.chdir(tmp_path)
    assert len(same_files(train, table("photos", "b.jpg", "c.jpg"))) == 1
    assert same_files(train, table(photos, "c.jpg", "other.jpg")) == []


def test_copies_are_found_by_their_contents(tmp_path):
    photos = {
        "a.jpg": b"a" * 9000,
        "b.jpg": b"b" + b"a" * 8999,  # differs at its start alone
        "c.jpg": b"a" * 8999 + b"c",  # at its end
        "d.jpg": b"",
        "copy.jpg": b"a" * 9000,
        "empty.jpg": b"",
        "other.jpg": b"z" * 9000,
    }
    for name, content in photos.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.jpg").mkdir()
    train = table(tmp_path, "a.jpg", "b.jpg", "c.jpg", "d.jpg", "gone.jpg", "folder.jpg")
    test = table(tmp_path, "other.jpg", "empty.jpg", "copy.jpg", "gone.jpg", "folder.jpg", "x\0y")
    assert same_contents(train, test) == [
        (tmp_path / "d.jpg", tmp_path / "empty.jpg"),
        (tmp_path / "a.jpg", tmp_path / "copy.jpg"),
    ]
    assert same_contents(train, table(tmp_path, "other.jpg")) == []
