"""The commands of docs/how-to/captions.md for what generators make, on files of that form."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.training.coloured_squares import COLOURS, write_squares
from trmml.cli.app import app
from trmml.data import ImageTable, match_nouns, write_table
from trmml.prediction import open_model

SENTENCES = ("A red square on a wall.", "green and blue ones", "Two blue squares.", "It is green.")
SMALL = (
    "encoder.family=tiny",
    "encoder.name=tiny",
    "encoder.pretrained=null",
    "data.image_size=64",
    "data.validation_share=0.25",
    "recipe.epochs=2",
    "recipe.batch_size=4",
)


def train(*arguments: object, out: Path) -> dict[str, object]:
    words = [*map(str, arguments), "--out", str(out), "--json", "--quiet"]
    found = CliRunner().invoke(app, ["train", *words, *(w for s in SMALL for w in ("--set", s))])
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


@pytest.fixture
def real(tmp_path: Path) -> Path:
    return write_squares(tmp_path / "real", 12, side=32)


def test_sentences_of_a_language_model(real: Path, tmp_path: Path) -> None:
    (tmp_path / "sentences.txt").write_text("\n".join(SENTENCES * 3))
    given = ("--data", real, "--captions", tmp_path / "sentences.txt")
    report = train("generated/llm-pt", *given, out=tmp_path / "run")
    assert (report["num_train"], report["learns_from"]) == (12, "captions")
    assert open_model(tmp_path / "run" / "best").config.method == "tai-dpt"


def test_pictures_of_an_image_generator_tested_on_real_ones(real: Path, tmp_path: Path) -> None:
    folder = tmp_path / "generated"
    (write_squares(tmp_path / "drawn", 12, side=32, start=100).parent / "photos").rename(folder)
    names = [f"{number:04}.png" for number in range(100, 112)]
    labels = match_nouns(SENTENCES * 3, [*COLOURS])
    write_table(ImageTable(folder, names, labels, [*COLOURS]), folder / "labels.csv")
    given = ("--data", folder / "labels.csv", "--set", f"data.test_path={real}")
    report = train("generated/t2i-pal", *given, out=tmp_path / "run")
    assert (report["num_train"], report["learns_from"]) == (9, "images")
    assert isinstance(report["test"], dict)
    assert report["test"]["num_images"] == 12
    assert open_model(tmp_path / "run" / "best").config.method == "dualcoop"
