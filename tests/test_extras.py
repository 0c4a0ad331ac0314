"""What is missing is installed from where the library came from."""

import json
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from trmml import extras
from trmml.extras import install_line

ROOT = Path(__file__).parents[1]


class Installed:
    def __init__(self, origin: object) -> None:
        self.origin = None if origin is None else json.dumps(origin)

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self.origin


@pytest.mark.parametrize(
    ("origin", "line"),
    [
        (None, 'pip install "trmml[train]"'),
        (
            {"url": "file:///home/me/my%20code", "dir_info": {}},
            'pip install "/home/me/my code[train]"',
        ),
        (
            {"url": "file:///tmp/trmml-1-py3-none-any.whl", "archive_info": {}},
            'pip install "trmml[train] @ file:///tmp/trmml-1-py3-none-any.whl"',
        ),
        (
            {"url": "https://host/it.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            'pip install "trmml[train] @ git+https://host/it.git@abc"',
        ),
        (
            {
                "url": "https://host/all.git",
                "vcs_info": {"vcs": "git", "commit_id": "abc"},
                "subdirectory": "libraries/trmml",
            },
            'pip install "trmml[train] @ git+https://host/all.git@abc'
            '#subdirectory=libraries/trmml"',
        ),
        (
            {"url": "https://host/all.zip", "archive_info": {}, "subdirectory": "trmml"},
            'pip install "trmml[train] @ https://host/all.zip#subdirectory=trmml"',
        ),
    ],
)
def test_it_names_where_the_library_came_from(
    origin: object, line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(extras, "__file__", str(tmp_path / "trmml" / "extras.py"))
    monkeypatch.setattr("trmml.extras.distribution", lambda _: Installed(origin))
    assert install_line("train") == line


def nothing(name: str) -> None:
    raise metadata.PackageNotFoundError(name)


def test_a_checkout_names_itself_however_it_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trmml.extras.distribution", nothing)  # found by PYTHONPATH alone
    assert install_line("hub") == f'pip install -e "{ROOT}[hub]"'
    # an installation elsewhere is not what runs
    monkeypatch.setattr("trmml.extras.distribution", lambda _: Installed(None))
    assert install_line("hub") == f'pip install -e "{ROOT}[hub]"'


@pytest.mark.parametrize("beside", [None, '[project]\nname = "other"', "[tool.ruff]", "no TOML ["])
def test_a_package_without_its_checkout_asks_an_index(
    beside: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if beside is not None:  # as some packages leave in the folder that all share
        (tmp_path / "pyproject.toml").write_text(beside)
    monkeypatch.setattr("trmml.extras.distribution", nothing)
    monkeypatch.setattr(extras, "__file__", str(tmp_path / "trmml" / "extras.py"))
    assert install_line("hub") == 'pip install "trmml[hub]"'


def test_no_message_says_it_by_itself_and_all_extras_exist() -> None:
    named = set()
    for path in (ROOT / "trmml").rglob("*.py"):
        text = path.read_text()
        named |= set(re.findall(r"""install_line\(["'](\w+)["']\)""", text))
        if path.name != "extras.py":
            messages = [line for line in text.splitlines() if 'pip install "trmml' in line]
            assert all("`pip install" in line for line in messages), path  # in docstrings
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert named <= set(project["optional-dependencies"])
    assert len(named) >= 4
