import json
import socket
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.cli.test_demo import exit_status
from tests.demo.generated import write_photographs
from tests.page.small_page import small_model
from trmml.cli.app import app
from trmml.cli.serve import MAX_EXAMPLES
from trmml.extras import install_line


def test_help_is_given_with_an_example() -> None:
    result = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert result.exit_code == 0
    for words in (
        "--host",
        "--port",
        "--name",
        "--examples",
        "--open",
        "--no-open",
        "trmml serve trmml-demo/model --open",
    ):
        assert words in result.output


@pytest.mark.parametrize("arguments", [["serve", "model"], ["demo", "--serve", "--fast"]])
def test_a_missing_extra_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.chdir(tmp_path)
    status = exit_status(monkeypatch, *arguments)
    assert status == f"trmml: this command needs gradio; {install_line('serve')}"
    assert not [*tmp_path.iterdir()]


def test_mistakes_end_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    small_model().save_pretrained(tmp_path / "model")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for arguments, message in (
            ((tmp_path / "none",), "no saved model is there"),
            ((tmp_path / "model", "--port", port), f"port {port}"),
            ((tmp_path / "model", "--name", "https://a.example"), "names of hosts"),
            ((tmp_path / "model", "--examples", tmp_path / "none"), "there is nothing"),
            ((tmp_path / "model", "--examples", tmp_path / "model"), "no image in this folder"),
        ):
            assert exit_status(monkeypatch, "serve", *arguments) == 2
            *notes, complaint = capsys.readouterr().err.splitlines()
            assert all(line.startswith("Computing in ") for line in notes)
            assert complaint.startswith("trmml: ")
            assert message in complaint


def test_the_model_is_opened_where_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    served = []
    monkeypatch.setattr(
        "trmml.page.serve", lambda model, **options: served.append((model, options))
    )
    small_model().save_pretrained(tmp_path)
    options = ["--device", "cpu", "--port", "0", "--name", "a.example", "--name", "b.example"]
    result = CliRunner().invoke(app, ["serve", str(tmp_path), *options])
    assert result.exit_code == 0, result.output
    [(model, given)] = served
    assert (model.log_temperature.device.type, given["port"]) == ("cpu", 0)
    assert given["names"] == ["a.example", "b.example"]
    assert exit_status(monkeypatch, "serve", tmp_path, "--device", "abacus") == 2


def test_examples_are_the_first_pictures_of_a_folder_and_the_run_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    served = []
    monkeypatch.setattr("trmml.page.serve", lambda _, **options: served.append(options))
    small_model().save_pretrained(tmp_path / "best")
    report = {"num_train": 20, "learns_from": "images", "known_share": 0.5}
    (tmp_path / "report.json").write_text(json.dumps(report))
    photos = tmp_path / "photos"
    write_photographs(photos, MAX_EXAMPLES + 2)
    pictures = sorted(photos.glob("*.png"))
    assert len(pictures) > MAX_EXAMPLES
    assert exit_status(monkeypatch, "serve", tmp_path / "best", "--examples", photos) == 0
    [given] = served
    assert given["examples"] == pictures[:MAX_EXAMPLES]
    assert given["trained_on"] == "20 images, 50.0% of whose labels are known"
    assert f"{len(pictures)} images; the first {MAX_EXAMPLES}" in capsys.readouterr().err


def test_the_demo_serves_its_model_with_test_pictures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served = []
    monkeypatch.setattr(
        "trmml.page.serve", lambda model, **options: served.append((model, options))
    )
    table = write_photographs(tmp_path / "photos")
    photographs = ["--images", str(tmp_path / "photos"), "--labels", str(table), "--keep", "0.5"]
    out = tmp_path / "out"
    command = ["demo", "--fast", "--serve", *photographs, "--out", str(out)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    [(model, options)] = served
    assert options["trained_on"].endswith("% of whose labels are known")
    examples = options["examples"]
    assert list(model.class_names) == ["red", "green", "blue"]
    drawn = {path.stem.removeprefix("regions-") for path in out.glob("regions-*.jpg")}
    assert {path.stem.removeprefix("example-") for path in examples} == drawn
    assert model.predict(model.preprocess(examples[0])).shape == (1, 3)
