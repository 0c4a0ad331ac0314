"""The docs keep their word: blocks run or say that they do not, commands and files exist."""

import re
import shlex
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sybil import Sybil
from typer.main import get_command

from tests.markdown_blocks import INCLUDED, ROOT, PythonBlocks, pages, shell_commands
from tests.test_public_api import resolve
from trmml import __version__
from trmml.cli.app import app

README = ROOT / "README.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FIRST_COMMAND = 'pip install -e ".[train]" && trmml demo'
SECOND_COMMAND = 'pip install -e ".[test]" && pytest'


def wrong_with_trmml(arguments: list[str]) -> str | None:
    """Say what is wrong with the arguments of a `trmml` command, or None."""
    command: Any = get_command(app)
    words = [word for word in arguments if not word.startswith("-")]
    while words and isinstance(getattr(command, "commands", None), dict):
        command = command.get_command(None, words.pop(0))
        if command is None:
            return "no such subcommand"
    options = {name for known in command.params for name in (*known.opts, *known.secondary_opts)}
    for word in arguments:
        if word.startswith("--") and word.split("=")[0] not in options | {"--help"}:
            return f"no option {word}"
    return None


def wrong_with_pip(arguments: list[str]) -> str | None:
    """Say what is wrong with the arguments of a `pip` command, or None."""
    if not arguments or arguments[0] != "install":
        return "only `pip install` is checked"
    known = {**PROJECT["project"]["optional-dependencies"], **PROJECT["dependency-groups"]}
    named = [extra for word in arguments for extra in re.findall(r"(?:trmml|\.)\[([\w,]+)\]", word)]
    groups = [after for word, after in pairwise(arguments) if word == "--group"]
    absent = {*",".join([*named, *groups]).split(",")} - {*known, ""}
    return f"no extra {sorted(absent)}" if absent else None


def wrong_with(command: str) -> str | None:
    """Say what is wrong with a shell command that a page tells readers to type, or None."""
    program, *arguments = shlex.split(command, comments=True)
    if program == "trmml":
        return wrong_with_trmml(arguments)
    if program == "pip":
        return wrong_with_pip(arguments)
    if program == "torchrun":
        after = arguments.index("trmml") if "trmml" in arguments else None
        return "it starts no trmml" if after is None else wrong_with_trmml(arguments[after + 1 :])
    if program == "python":
        scripts = [word for word in arguments if word.endswith(".py")]
        absent = [script for script in scripts if not (ROOT / script).is_file()]
        return f"no file {absent}" if absent else None
    if program == "pytest":
        paths = [word for word in arguments if not word.startswith("-") and "/" in word]
        absent = [path for path in paths if not (ROOT / path.split("::")[0]).exists()]
        return f"no path {absent}" if absent else None
    if program == "bash":
        return None if (ROOT / arguments[0]).is_file() else f"no file {arguments[0]}"
    if program in ("ruff", "pyright", "mkdocs", "git", "cd"):
        return None
    return f"{program} is not a command of this project"


def wrong_commands(text: str) -> list[str]:
    """List the shell commands of a page that cannot work."""
    found = [(command, wrong_with(command)) for command in shell_commands(text)]
    return [f"{command}: {complaint}" for command, complaint in found if complaint]


def broken_references(page: Path) -> list[str]:
    """List the relative links, images and included files of a page that do not exist."""
    text = re.sub(r"^```(?!.*\n--8<--).*?^```", "", page.read_text(), flags=re.M | re.S)
    targets = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'(?:src|href)="([^"#]+)"', text)
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    broken = [target for target in local if not (page.parent / target).exists()]
    included = re.findall(re.escape(INCLUDED) + r' "([^":]+)', page.read_text())
    return broken + [name for name in included if not (ROOT / name).is_file()]


def unknown_names(text: str) -> list[str]:
    """List the dotted names in a page's prose, as `trmml.losses.X`, that name nothing."""
    unknown = []
    for name in sorted(set(re.findall(r"`(trmml(?:\.\w+)+)[`(]", text))):
        try:
            resolve(name)
        except (AttributeError, ImportError):
            unknown.append(name)
    return unknown


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", pages(), ids=page_id)
def test_the_shell_commands_of(page: Path) -> None:
    assert wrong_commands(page.read_text()) == []


@pytest.mark.parametrize("page", pages(), ids=page_id)
def test_the_links_pictures_and_included_files_of(page: Path) -> None:
    assert broken_references(page) == []


@pytest.mark.parametrize("page", pages(), ids=page_id)
def test_the_names_in(page: Path) -> None:
    assert unknown_names(page.read_text()) == []


def test_the_readme_opens_with_the_two_commands() -> None:
    lines = README.read_text().splitlines()
    assert lines.count(FIRST_COMMAND) == 1
    assert lines.count(SECOND_COMMAND) == 1


def test_the_changelog_has_room_for_what_comes_next() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"


def test_the_citation_is_of_this_version() -> None:
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_every_page_is_in_the_navigation_and_every_entry_is_a_page() -> None:
    listed = set(re.findall(r"([\w/-]+\.md)\s*$", (ROOT / "mkdocs.yml").read_text(), re.M))
    written = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert listed == written


def test_the_site_needs_no_network() -> None:
    settings = (ROOT / "mkdocs.yml").read_text()
    loaded = re.findall(r"(?:src|href)=\"(https?:[^\"]+\.(?:js|css|woff2?))\"", settings)
    for source in [*(ROOT / "docs").rglob("*.md"), *(ROOT / "docs").rglob("*.svg")]:
        loaded += re.findall(r"(?:src|xlink:href)=\"(https?:[^\"]+)\"", source.read_text())
        loaded += re.findall(r"!\[[^\]]*\]\((https?:[^)]+)\)", source.read_text())
    assert loaded == []
    assert "font: false" in settings
    assert "https://" not in re.sub(r"^(repo_url|site_url).*$", "", settings, flags=re.M)


def test_pytest_finds_every_python_block() -> None:
    reader = Sybil(parsers=[PythonBlocks()])
    expected = {page_id(page): len(list(reader.parse(page))) for page in pages()}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-qq", "docs", "README.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = dict(re.findall(r"^(\S+\.md): (\d+)$", result.stdout, re.MULTILINE))
    assert {name: int(found.get(name, 0)) for name in expected} == expected
    assert expected["README.md"] > 0
    assert expected["docs/index.md"] > 0


def evaluate(tmp_path: Path, text: str) -> int:
    """Run the Python blocks of a page and return how many there were."""
    page = tmp_path / "page.md"
    page.write_text(text)
    examples = list(Sybil(parsers=[PythonBlocks()]).parse(page))
    for example in examples:
        example.evaluate()
    return len(examples)


def test_blocks_share_a_page_and_options_do_not_hide_them(tmp_path: Path) -> None:
    text = '```python\nx = 1\n```\n\n```python exec="true" source="above"\nassert x == 1\n```\n'
    assert evaluate(tmp_path, text) == 2


@pytest.mark.parametrize(
    "text",
    [
        "```python\nraise ArithmeticError\n```\n",
        '```python exec="true"\nraise ArithmeticError\n```\n',
        '=== "Tab"\n\n    ```python\n    raise ArithmeticError\n    ```\n',
    ],
)
def test_a_broken_block_fails(tmp_path: Path, text: str) -> None:
    with pytest.raises(ArithmeticError):
        evaluate(tmp_path, text)


def test_a_wrong_doctest_block_fails(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="Expected"):
        evaluate(tmp_path, "```python\n>>> 1 + 1\n3\n```\n")


def test_a_block_is_left_out_only_where_the_reader_is_told(tmp_path: Path) -> None:
    told = '```python title="Not run by the tests: needs MS-COCO"\nraise ArithmeticError\n```\n'
    assert evaluate(tmp_path, told) == 0


def test_an_included_script_is_left_to_its_own_test(tmp_path: Path) -> None:
    assert evaluate(tmp_path, '```python\n--8<-- "examples/x.py"\n```\n') == 0


@pytest.mark.parametrize(
    "command",
    [
        'pip install -e ".[nonsense]"',
        "pip install --group nonsense",
        "trmml nonsense",
        "python examples/nonsense.py",
        "pytest tests/nonsense.py",
        "bash nonsense",
        "conda install trmml",
    ],
)
def test_an_impossible_command_is_noticed(command: str) -> None:
    assert len(wrong_commands(f"Text.\n\n```bash\n$ {command}\n```\n")) == 1


def test_possible_commands_pass() -> None:
    block = f"```bash\n# both\n{SECOND_COMMAND} -q \\\n  tests/test_docs.py\n```\n"
    assert list(shell_commands(block)) == [
        'pip install -e ".[test]"',
        "pytest -q    tests/test_docs.py",
    ]
    assert wrong_commands(block) == []


def test_a_name_of_nothing_is_noticed() -> None:
    text = "`trmml.losses.AsymmetricLoss(...)`, `trmml.losses.Nonsense` and `trmml.nonsense.f`"
    assert unknown_names(text) == ["trmml.losses.Nonsense", "trmml.nonsense.f"]


def test_a_dangling_reference_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('[a](b.md) ![c](d.png) <img src="e.png"> [f](https://g) [h](#i)\n')
    assert broken_references(page) == ["b.md", "d.png", "e.png"]


def test_a_dangling_inclusion_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('```python\n--8<-- "examples/nonsense.py"\n```\n')
    assert broken_references(page) == ["examples/nonsense.py"]


def test_the_package_names_whom_the_citation_names_and_the_paper():
    citation = (ROOT / "CITATION.cff").read_text()
    project = PROJECT["project"]
    assert [f'  - name: "{author["name"]}"' in citation for author in project["authors"]] == [True]
    assert project["urls"]["Paper"].removeprefix("https://doi.org/") in citation
