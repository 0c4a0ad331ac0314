"""The list of commands says what they say, and costs none of what they need."""

import inspect
import subprocess
import sys
from importlib import import_module

import pytest
import typer

import trmml
from trmml.cli.app import Commands, app

RUN = "import sys; sys.argv = {arguments}; from trmml.cli import main\ntry: main()\n"
RUN += "except SystemExit as end: status = end.code\n"
RUN += "print([name for name in ('torch', 'timm', 'PIL') if name in sys.modules], status or 0)"


def printed(*arguments: str) -> list[str]:
    """Run the command in an interpreter of its own, and add what that has loaded."""
    code = RUN.format(arguments=["trmml", *arguments])
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return (result.stdout + result.stderr).splitlines()


@pytest.mark.parametrize("name", Commands.doors)
def test_each_help_line_is_the_first_of_what_it_points_to(name: str) -> None:
    door = Commands.doors[name]
    module, attribute = door.address.split(":")
    found = getattr(import_module(module), attribute)
    says = found.info.help if isinstance(found, typer.Typer) else inspect.getdoc(found)
    assert says is not None
    assert " ".join(says.split("\n\n")[0].split()) == door.help


@pytest.mark.parametrize("arguments", [(), ("--help",), ("--version",)])
def test_what_runs_no_command_loads_none_of_what_they_need(arguments: tuple[str, ...]) -> None:
    *lines, last = printed(*arguments)
    assert last == ("[] 2" if not arguments else "[] 0")
    if arguments == ("--version",):
        assert lines == [f"trmml {trmml.__version__}"]
    else:
        assert all(any(name in line for line in lines) for name in Commands.doors)


def test_each_command_is_found_by_its_name() -> None:
    group = typer.main.get_command(app)
    for name in Commands.doors:
        found = group.get_command(None, name)  # pyright: ignore[reportAttributeAccessIssue]
        assert found.name == name
        assert hasattr(found, "commands") == (name == "data")
    assert group.get_command(None, "trian") is None  # pyright: ignore[reportAttributeAccessIssue]


def test_a_misspelt_command_is_told_which_is_meant() -> None:
    lines = printed("trian")
    assert "[] 2" in lines
    assert any("train" in line for line in lines)
