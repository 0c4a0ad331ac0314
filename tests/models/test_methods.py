from pathlib import Path

import pytest

from trmml.models import METHODS, MethodConfig, Task, load_task

OWN = Path(__file__).parents[2] / "examples" / "own_method.py"


def test_every_method_goes_by_the_name_of_its_configuration() -> None:
    for name, task in METHODS.items():
        assert issubclass(task, Task)
        assert issubclass(task.Model.Config, MethodConfig)
        assert task.Model.Config().method == name


def test_ones_own_method_comes_from_a_file() -> None:
    task = load_task(f"{OWN}:LinearHeadTask")
    assert task.Model.Config().method == "linear-head"
    assert load_task(f"{OWN}:LinearHeadTask") is task  # imported once


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (
            "nowhere.py:MyTask",
            "got 'nowhere.py:MyTask'; there is no file",
        ),
        (f"{OWN}", "`task` must be a Python file and a class in it"),
        (f"{OWN}:", "`task` must be a Python file and a class in it"),
        ("", "`task` must be a Python file and a class in it"),
        (f"{OWN}:Absent", "must define a `trmml.models.Task` named 'Absent'"),
        (f"{OWN}:LinearHead", "must define a `trmml.models.Task` named 'LinearHead'"),
    ],
)
def test_a_place_without_a_task_is_refused(place: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_task(place)


def test_a_file_with_a_mistake_says_which(tmp_path: Path) -> None:
    (tmp_path / "broken_method.py").write_text("import not_there")
    with pytest.raises(ModuleNotFoundError, match="not_there"):
        load_task(f"{tmp_path / 'broken_method.py'}:MyTask")
    with pytest.raises(ModuleNotFoundError, match="not_there"):  # the second time, too
        load_task(f"{tmp_path / 'broken_method.py'}:MyTask")


def test_a_file_may_not_take_the_place_of_a_module(tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text("class MyTask: ...")
    with pytest.raises(ValueError, match="a module 'random' is loaded already; rename the file"):
        load_task(f"{tmp_path / 'random.py'}:MyTask")
