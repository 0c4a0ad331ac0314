import pytest
import torch

from trmml.atomic_write import atomic_write
from trmml.data import ImageTable, load_table, write_table


def test_what_is_written_is_read_back(tmp_path):
    labels = torch.tensor([[1, 0, -1], [0, 0, 1], [-1, 1, 0]])
    names = ['a "b", c.jpg', "bäume/中.png", " x;y.jpg".strip()]
    table = ImageTable(tmp_path, names, labels, ["sea, red", "Ü", "c;d"])
    write_table(table, tmp_path / "labels.csv")
    again = load_table(tmp_path / "labels.csv", tmp_path, missing="keep")
    assert again.names == names
    assert again.class_names == table.class_names
    assert torch.equal(again.labels, table.labels)


def test_a_block_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(TypeError), atomic_write(path) as file:
        file.writelines(["new", 0])  # pyright: ignore[reportArgumentType]
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    for path, reason in ((tmp_path, "is a folder"), (tmp_path / "no" / "a", "does not exist")):
        with pytest.raises(ValueError, match=reason), atomic_write(path):
            pass
