"""The recipes of CONTRIBUTING.md list every file that something new has to touch, and no other."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

# Something that was added by each recipe: the name of its file, and what it is called elsewhere.
ADDED = {
    "A loss": ("hill_loss", r"HillLoss|hill_loss"),
    "A method": ("linear_probe", r"LinearProbe|linear_probe"),
    "A reader": ("index_lists", r"\bindex_lists\.READER"),
    "An encoder family": ("tiny", r"trmml\.encoders\.tiny:"),
    "An option": ("distillation_form", r"distillation_form"),
}
# These name a thing as the example of its kind, for what it is in the paper, or to try it out.
ELSEWHERE = {
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "benchmarks/evidence/arms.py",
    "tests/test_contributing.py",
}


def listed(recipe: str, name: str) -> list[str]:
    """Return the files that a recipe lists, for something of a name."""
    (section,) = re.findall(rf"^### {recipe}\n(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL)
    files = re.findall(r"^\d+\. `([^`]+)`", section, re.MULTILINE)
    method = name.replace("_", "-")
    return [file.replace("<name>", name).replace("<method>", method) for file in files]


def naming(pattern: str) -> set[str]:
    """Return the files of the project that name something."""
    found = subprocess.run(
        ["git", "grep", "--untracked", "-lP", pattern, "--", "*.py", "*.md", "*.yaml", "*.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode not in (0, 1):
        pytest.skip("not in a checkout of git")
    return {*found.stdout.split()} - ELSEWHERE


@pytest.mark.parametrize("recipe", ADDED)
def test_every_file_of_a_recipe_is_there(recipe: str) -> None:
    files = listed(recipe, ADDED[recipe][0])
    assert 3 <= len(files) <= 5
    assert [file for file in files if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize("recipe", ["A loss", "A method", "A reader", "An option"])
def test_no_other_file_knows_what_was_added(recipe: str) -> None:
    name, pattern = ADDED[recipe]
    assert naming(pattern) <= {*listed(recipe, name)}


@pytest.mark.parametrize("recipe", ADDED)
def test_the_table_or_the_field_knows_it(recipe: str) -> None:
    name, pattern = ADDED[recipe]
    knowing = [
        file
        for file in listed(recipe, name)
        if re.search(pattern, (ROOT / file).read_text(encoding="utf-8"))
    ]
    assert len(knowing) >= (1 if recipe in ("An encoder family", "A reader") else 2)


def test_a_file_that_is_not_listed_would_be_noticed() -> None:
    assert naming(r"AsymmetricLoss") - {*listed("A loss", "asymmetric_loss")}
