import json
import sys
from pathlib import Path

import pytest
import torch
from onnxruntime import InferenceSession
from typer.testing import CliRunner

from tests.sharing.exportable import opinionated
from trmml.cli import main
from trmml.cli.app import app
from trmml.encoders import load_tiny
from trmml.extras import install_line
from trmml.models import TRMML


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = opinionated(TRMML(load_tiny(), ["tree", "boat"], image_size=64))
    model.save_pretrained(folder)
    return folder


def run(*arguments: object):
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


def status(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int | str | None:
    """Run the command as the shell does."""
    monkeypatch.setattr(sys, "argv", ["trmml", "export", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


def test_an_onnx_file_is_written_compared_and_reported(saved, tmp_path):
    out = tmp_path / "tags.onnx"
    result = run(saved, "--out", out, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report.pop("largest_difference") < 1e-5
    assert report == {
        "file": str(out),
        "format": "onnx",
        "bytes": out.stat().st_size,
        "classes": 2,
        "image_size": 64,
        "agrees": True,
    }
    assert "Exporting" in result.stderr
    assert "Skipping" not in result.stderr  # the exporter's remarks on its own work
    assert len(InferenceSession(out, providers=["CPUExecutionProvider"]).get_outputs()) == 2
    assert out.with_name("tags.onnx.json").is_file()


@pytest.fixture
def quick(monkeypatch) -> pytest.MonkeyPatch:
    """Write a file in no time, as if it agreed with the model."""

    def write(_model: object, path: Path, **_: object) -> None:
        path.write_bytes(bytes(2_500_000))

    monkeypatch.setattr("trmml.sharing.export_onnx", write)
    monkeypatch.setattr("trmml.sharing.largest_difference", lambda *_: 1.2e-6)
    return monkeypatch


def test_the_line_says_what_the_file_is(quick, saved, tmp_path):
    out = tmp_path / "tags.onnx"
    result = run(saved, "--out", out)
    assert result.exit_code == 0
    line = "2.5 MB, 2 classes, images of 64 x 64 pixels; differs by at most 1.2e-06 from the model"
    assert result.stdout == f"{out}: {line}\n"
    unchecked = run(saved, "--out", out, "--no-check", "--overwrite")
    assert unchecked.stdout.endswith("; not compared with the model\n")
    assert "2/2" in unchecked.stderr


def test_quiet_leaves_the_result_alone(quick, saved, tmp_path):
    result = run(saved, "--format", "onnx", "--out", tmp_path / "tags.onnx", "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{tmp_path / 'tags.onnx'}: 2.5 MB")


def test_options_reach_the_exporter_of_the_format(quick, saved, tmp_path):
    called = {}

    def write(_model: object, path: Path, **options: object) -> None:
        path.touch()
        called[path.suffix] = options

    quick.setattr("trmml.sharing.export_onnx", write)
    quick.setattr("trmml.sharing.export_pt2", write)
    for name, more in (("tags.onnx", ["--opset", 21]), ("tags.pt2", [])):
        assert run(saved, "--out", tmp_path / name, "--no-regions", *more).exit_code == 0
    assert called == {
        ".onnx": {"opset": 21, "regions": False},
        ".pt2": {"regions": False},
    }


def test_a_difference_that_is_no_number_is_null(quick, saved, tmp_path):
    quick.setattr("trmml.sharing.largest_difference", lambda *_: float("nan"))
    result = run(saved, "--out", tmp_path / "tags.onnx", "--json")
    report = json.loads(result.stdout, parse_constant=pytest.fail)
    assert (report["largest_difference"], report["agrees"], result.exit_code) == (None, False, 1)


@pytest.mark.parametrize("mode", ["--json", "--quiet"])
def test_a_file_that_disagrees_ends_with_1(quick, saved, tmp_path, mode):
    quick.setattr("trmml.sharing.largest_difference", lambda *_: 0.25)
    result = run(saved, "--out", tmp_path / "tags.onnx", mode)
    assert result.exit_code == 1
    assert "differs from the model by 2.5e-01, more than 0.001" in result.stderr
    if mode == "--json":
        assert json.loads(result.stdout)["agrees"] is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "--out", "tags.onnx"], "nowhere"),
        (["model"], "--out"),
        (["model", "--out", "tags.bin"], ".onnx"),
        (["model", "--out", "tags.onnx", "--format", "pt2"], ".pt2"),
        (["model", "--out", "tags.tflite", "--format", "tflite"], "tflite"),
        (["model", "--out", "absent/tags.onnx"], "absent"),
        (["model", "--out", "tags.onnx", "--opset", "3"], "--opset"),
        (["model", "--out", "tags.onnx", "--opset", "999"], "`opset` must be from 18 to"),
        (["model", "--out", "tags.pt2", "--opset", "21"], "--opset is of an .onnx file"),
    ],
)
def test_a_wrong_call_ends_with_2_and_without_a_traceback(
    monkeypatch, capsys, saved, arguments, message
):
    monkeypatch.chdir(saved.parent)
    assert status(monkeypatch, *arguments) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert "Traceback" not in errors
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


def test_a_missing_library_is_one_line(monkeypatch, saved, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    found = status(monkeypatch, saved, "--out", tmp_path / "tags.onnx", "--quiet")
    assert found == f"trmml: this command needs onnxscript; {install_line('export')}"


def test_help_has_an_example():
    result = run("--help")
    assert result.exit_code == 0
    assert "trmml export my-model --out tags.onnx" in result.output
