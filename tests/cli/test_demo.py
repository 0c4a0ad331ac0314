import json
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from tests.demo.generated import write_photographs
from trmml.cli import main
from trmml.cli.app import app
from trmml.extras import install_line
from trmml.models import TRMML

OWN_TOWERS = """
from trmml.encoders import EncoderSource, load_tiny

def load_pair():
    return load_tiny()._replace(source=EncoderSource("custom", "mine", None))
"""


def exit_status(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int | str | None:
    """Run the command as the shell does."""
    monkeypatch.setattr(sys, "argv", ["trmml", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


def test_the_whole_demo_runs_offline_on_generated_scenes(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    result = CliRunner().invoke(app, ["demo", "--fast", "--keep", "0.3", "--out", str(out)])
    assert result.exit_code == 0, result.output
    for words in ("Mean average precision", "TRM-ML", "Known training labels", "results.json"):
        assert words in result.output
    report = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert (report["keep"], report["seed"], report["source"]) == (0.3, 0, "world")
    assert {"zero_shot", "baseline", "trmml", "trmml_calibrated"} <= set(report["map"])
    assert report["seconds"] > 0
    assert len([*out.glob("regions-*.jpg")]) == 6
    assert report["map"]["trmml"] < report["map"]["zero_shot"]
    assert report["cautions"][0] in result.output.replace("\n", " ")  # why that is
    assert (out / "labels_added.png").exists()
    model = TRMML.from_pretrained(out / "model")
    assert model.predict(model.preprocess(out / "regions.jpg")).shape == (1, 30)


def test_the_demo_runs_on_photographs(tmp_path: Path) -> None:
    table = write_photographs(tmp_path / "photos")
    options = ["--images", str(tmp_path / "photos"), "--labels", str(table), "--single-positive"]
    out = ["--fast", "--out", str(tmp_path / "out"), "--json", "--quiet"]
    result = CliRunner().invoke(app, ["demo", *options, *out])
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert (json.loads(result.stdout), result.stderr) == (report, "")
    assert (report["source"], report["single_positive"]) == ("photographs", True)
    assert "never seen a photograph" in report["cautions"][0]


def test_without_real_towers_the_first_line_says_that_the_numbers_mean_nothing(
    tmp_path: Path,
) -> None:
    table = write_photographs(tmp_path / "photos")
    call = ["demo", "--fast", "--images", str(tmp_path / "photos"), "--labels", str(table)]
    result = CliRunner().invoke(app, [*call, "--encoder", "tiny", "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("The numbers below mean nothing: ")


def test_the_demo_takes_towers_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "towers_of_the_demo.py").write_text(OWN_TOWERS)
    table = write_photographs(tmp_path / "photos")
    call = ["demo", "--fast", "--images", str(tmp_path / "photos"), "--labels", str(table)]
    towers = ["--encoder", f"{tmp_path / 'towers_of_the_demo.py'}:load_pair"]
    result = CliRunner().invoke(app, [*call, *towers, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert report["encoders"]["family"] == "custom"
    assert not any("mean nothing" in caution for caution in report["cautions"])
    assert "mean nothing" not in result.output
    assert "encoders=load_pair()" in result.stderr  # how to open what was saved
    assert "trmml predict" not in result.stderr  # which could not


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"]])
def test_help_is_given(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert "demo" in result.output


def test_further_methods_are_compared_where_they_are_named(tmp_path: Path) -> None:
    call = ["demo", "--fast", "--single-positive", "--methods", "coop, zero-shot"]
    table = write_photographs(tmp_path / "photos")
    photographs = ["--images", str(tmp_path / "photos"), "--labels", str(table)]
    result = CliRunner().invoke(app, [*call, *photographs, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert [*report["map"]][-2:] == ["coop", "zero-shot"]
    for name in ("coop", "zero-shot"):
        shown = f"{100 * report['map'][name]:.1f}"
        assert any(name in line and shown in line for line in result.output.splitlines())


def test_help_names_every_option() -> None:
    output = CliRunner().invoke(app, ["demo", "--help"]).output
    for option in ("keep", "seed", "single-positive", "images", "labels", "encoder", "out", "fast"):
        assert f"--{option}" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--keep", "0"], "--keep must be above 0"),
        (["--keep", "1.5"], "--keep"),
        (["--keep", "nan"], "--keep"),
        (["--keep", "much"], "--keep"),
        (["--seed", "-1"], "--seed"),
        (["--images", "photos"], "--images and --labels go together"),
        (["--labels", "labels.csv"], "--images and --labels go together"),
        (["--encoder", "RN50"], "--encoder goes with --images and --labels"),
        (["--sped", "1"], "--sped"),
        (["--methods", "cop"], "did you mean 'coop'?"),
        (["--methods", "coop,"], "`methods` must be one of"),
        (["--methods", "trmml"], "`methods` must be one of"),
        (["extra"], "extra"),
    ],
)
def test_bad_options_end_at_once(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert exit_status(monkeypatch, "demo", *arguments) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert "Traceback" not in errors
    assert not [*tmp_path.iterdir()]


def test_mistakes_in_the_data_end_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = write_photographs(tmp_path / "photos")
    (tmp_path / "photos" / "3.png").write_bytes(b"no image")
    (tmp_path / "file").write_text("")
    out = ("--out", tmp_path / "out")
    folder = ("--images", tmp_path / "photos")
    for arguments, message in (
        ((*folder, "--labels", tmp_path / "no.csv", *out), "no.csv"),
        (("--images", tmp_path / "no", "--labels", table, *out), "no"),
        ((*folder, "--labels", table, *out), "3.png"),
        ((*folder, "--labels", table, "--out", tmp_path / "file"), "file"),
    ):
        assert exit_status(monkeypatch, "demo", "--fast", *arguments) == 2
        errors = capsys.readouterr().err
        *progress, complaint = errors.splitlines()
        assert complaint.startswith("trmml: ")
        assert message in complaint
        assert len(progress) <= 1  # the bar of what was under way


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trmml.cli.app", None)
    monkeypatch.setitem(sys.modules, "typer", None)
    monkeypatch.delitem(sys.modules, "trmml.cli.app")
    monkeypatch.delitem(sys.modules, "trmml.cli.demo")
    status = exit_status(monkeypatch, "demo", "--fast")
    assert status == f"trmml: this command needs typer; {install_line('train')}"


def test_an_interrupted_run_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trmml.cli.app.app", interrupt)
    assert exit_status(monkeypatch, "demo") == 130


def test_a_full_device_ends_in_one_line_that_helps(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has")

    monkeypatch.setattr("trmml.cli.app.app", fill)
    assert exit_status(monkeypatch, "predict") == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("trmml: CUDA out of memory; take fewer images at once")
    assert "--batch-size" in complaint
    assert "recipe.gradient_accumulation_steps" in complaint


def test_a_training_that_diverges_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def diverge() -> None:
        raise FloatingPointError("The loss must be finite, got nan.")

    monkeypatch.setattr("trmml.cli.app.app", diverge)
    assert exit_status(monkeypatch, "demo") == 2
    assert capsys.readouterr().err == "trmml: The loss must be finite, got nan.\n"
