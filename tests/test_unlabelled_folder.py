"""The page "From an unlabelled folder to a labelled one", told to its end: every step is run."""

import csv
import json
import shlex
from pathlib import Path

import pytest
from sybil import Sybil
from typer.testing import CliRunner

from tests.markdown_blocks import ROOT, PythonBlocks, shell_commands
from trmml.cli.app import app
from trmml.world import make_scenes

PAGE = ROOT / "docs" / "how-to" / "unlabelled_folder.md"
SHORT = ["--epochs", "2", "--batch-size", "8", "--set", "data.image_size=128"]

pytestmark = pytest.mark.slow


def answer(review: Path, answers: Path) -> None:
    """Answer every question of a review file with what was drawn, as its page saves it."""
    scenes = make_scenes(40, seed=0)
    with review.open(newline="", encoding="utf-8-sig") as file:
        head, *questions = csv.reader(file)
    with answers.open("w", newline="", encoding="utf-8") as file:
        sheet = csv.writer(file)
        sheet.writerow(head)
        for image, name, _, probability, source, _ in questions:
            there = scenes.labels[int(Path(image).stem), scenes.class_names.index(name)] > 0
            sheet.writerow([image, name, 1 if there else -1, probability, source, "yes"])


def run(command: str) -> str:
    """Run a command of the page, trained briefly and on the towers that are here."""
    program, *arguments = shlex.split(command)
    assert program == "trmml"
    if arguments[0] == "train":
        arguments[1] = "tiny"
        arguments += SHORT
    if arguments[:2] == ["data", "merge"]:
        answers = Path(arguments[3])
        answer(Path(answers.name.replace("-answers", "")), answers)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, f"{command}\n{result.output}"
    return result.output


def test_the_story_is_true_from_its_first_line_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in Sybil(parsers=[PythonBlocks()]).parse(PAGE):
        block.evaluate()
    commands = [*shell_commands(PAGE.read_text())]
    assert commands.pop().startswith("trmml serve my-run/best ")  # until Ctrl-C
    printed = [run(command) for command in commands if not command.startswith("trmml train tiny")]

    assert any("100.0% of the labels known" in text for text in printed[:3])
    scenes = make_scenes(40, seed=0)
    with Path("labels-2.csv").open(newline="", encoding="utf-8") as file:
        (_, *names), *rows = csv.reader(file)
    assert names == ["bird", "sun", "tree"]
    columns = [scenes.class_names.index(name) for name in names]
    for image, *cells in rows:
        truth = scenes.labels[int(Path(image).stem), columns] > 0
        assert [cell == "1" for cell in cells] == truth.tolist()
    assert json.loads(Path("my-run/report.json").read_text())["num_train"] == 36
    with Path("tags.csv").open(newline="", encoding="utf-8") as file:
        assert {row["image"] for row in csv.DictReader(file)} <= {
            str(path) for path in Path("photos").iterdir()
        }
