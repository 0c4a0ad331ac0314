import sys
from pathlib import Path

import pytest

from trmml.python_files import name_in_file

OPTIONS = {"argument": "task", "kind": "class", "example": "my_file.py:MyTask"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("with_neighbours", "its_neighbour"):  # imported by a test, and forgotten after it
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "with_neighbours.py").write_text("from its_neighbour import number\n")
    (tmp_path / "its_neighbour.py").write_text("number = 7\n")
    return tmp_path


def test_what_lies_beside_the_file_can_be_imported_and_nothing_is_left_behind(folder: Path) -> None:
    before = [*sys.path]
    assert name_in_file(f"{folder / 'with_neighbours.py'}:number", **OPTIONS) == 7
    assert sys.path == before


def test_a_folder_that_python_searches_anyway_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(folder)
    assert name_in_file(f"{folder / 'with_neighbours.py'}:number", **OPTIONS) == 7
    assert sys.path[0] == str(folder)


def test_the_file_is_run_once(folder: Path) -> None:
    file = folder / "with_neighbours.py"
    file.write_text("found = []\n")
    assert name_in_file(f"{file}:found", **OPTIONS) is name_in_file(f"{file}:found", **OPTIONS)


def test_a_name_that_the_file_has_not_is_none(folder: Path) -> None:
    assert name_in_file(f"{folder / 'with_neighbours.py'}:absent", **OPTIONS) is None


def test_a_mistake_in_the_file_leaves_nothing_behind(folder: Path) -> None:
    (folder / "its_neighbour.py").write_text("1 / 0\n")
    before = [*sys.path]
    with pytest.raises(ZeroDivisionError):
        name_in_file(f"{folder / 'with_neighbours.py'}:number", **OPTIONS)
    assert sys.path == before
    assert "with_neighbours" not in sys.modules


@pytest.mark.parametrize("place", ["nowhere.py:MyTask", "labels.csv:MyTask", "nowhere.py", ""])
def test_a_place_where_nothing_is_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match=r"`task` must be a Python file and a class in it, such"):
        name_in_file(place, **OPTIONS)
