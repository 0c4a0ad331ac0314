import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.training.coloured_squares import write_squares
from trmml.cli import main
from trmml.cli.app import app
from trmml.models import TRMML
from trmml.training import TrainingStopped

SMALL = (
    "data.image_size=64",
    "recipe.epochs=2",
    "recipe.batch_size=12",
    "data.validation_share=0.25",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("squares")
    return write_squares(folder, 24, side=32)


def settings(*given: str) -> list[str]:
    return [word for text in (*SMALL, *given) for word in ("--set", text)]


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


def exit_status(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int | str | None:
    """Run the command as the shell does."""
    monkeypatch.setattr(sys, "argv", ["trmml", "train", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


def test_a_run_trains_goes_on_and_says_where_it_is(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = invoke("tiny", "--data", data, "--keep", 0.5, "--out", out, *settings())
    assert first.exit_code == 0, first.output
    assert f"Everything is in {out}" in first.stdout
    assert re.search(r"epoch 2: loss \d+\.\d+, mAP", first.stderr)
    assert TRMML.from_pretrained(out / "best").class_names.titles == ["red", "green", "blue"]
    before = (out / "report.json").read_bytes()

    again = invoke("--out", out, "--resume", "--json", "--quiet")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout) == json.loads(before)
    assert again.stderr == ""


def test_a_batch_of_more_than_there_is_takes_what_there_is(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    small = ["--batch-size", 500, "--epochs", 1, "--set", "data.image_size=64"]
    run = ["tiny", "--data", data, "--set", "selection=last", *small, "--json", "--quiet"]
    found = invoke(*run, "--out", tmp_path / "run")
    assert found.exit_code == 0, found.output
    learnt_from = json.loads(found.stdout)["num_train"]
    assert f"a batch of 500 is more than the {learnt_from} images to learn from" in caplog.text


def test_captions_are_given_by_a_file_and_asked_for_where_they_are_missing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    captions, out = tmp_path / "captions.txt", tmp_path / "run"
    captions.write_text("a red thing\ngreen and blue ones\n" * 8)
    tiny = ("encoder.family=tiny", "encoder.name=tiny", "encoder.pretrained=null")
    words = ["tai-dpt", "--data", data, "--out", out, *settings(*tiny)]
    assert exit_status(monkeypatch, *words) == 2
    assert "'tai-dpt' learns from" in capsys.readouterr().err
    assert not out.exists()
    first = invoke(*words, "--captions", captions, "--json", "--quiet")
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout)["num_train"] == 16
    again = invoke("--out", out, "--resume", "--json", "--quiet")
    assert json.loads(again.stdout) == json.loads(first.stdout)


def test_a_mean_is_over_runs_of_their_own(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "mean"
    keep = settings("data.keep=[0.5, 1.0]", "recipe.epochs=1")
    result = invoke("tiny", "--data", data, "--out", out, "--json", "--quiet", *keep)
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    figures = [
        json.loads((out / name / "report.json").read_text())["validation"]["mean_average_precision"]
        for name in ("tiny-0.5", "tiny-1")
    ]
    assert list(report["runs"].values()) == figures
    assert report["mean_average_precision"] == pytest.approx(sum(figures) / 2)


def test_features_are_cached_where_asked(data: Path, tmp_path: Path) -> None:
    cache = ["--cache-features", "--cache-dir", tmp_path / "cache", "--views", 2]
    result = invoke(
        "tiny", "--data", data, "--out", tmp_path / "run", "--quiet", *cache, *settings()
    )
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "cache").glob("*/features.bin"))) == 2  # training and validation


def test_a_signal_ends_the_command_with_its_own_status(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trmml.training.run import callbacks

    save = callbacks.RunCallbacks.save
    monkeypatch.setattr(
        callbacks.RunCallbacks,
        "after_epoch",
        lambda *_: os.kill(os.getpid(), signal.SIGTERM),
    )
    status = exit_status(
        monkeypatch, "tiny", "--data", data, "--out", tmp_path / "run", "--quiet", *settings()
    )
    assert status == 128 + signal.SIGTERM
    assert list((tmp_path / "run" / "checkpoints").iterdir())
    assert callbacks.RunCallbacks.save is save


@pytest.mark.parametrize(("rank", "notes"), [("0", 1), ("1", 0)])
def test_of_several_processes_the_first_one_says_how_to_go_on(
    rank: str, notes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise TrainingStopped(signal.SIGINT)

    monkeypatch.setenv("RANK", rank)
    monkeypatch.setattr(sys.modules["trmml.cli.train"], "run_sweep", stop)
    result = invoke("tiny", "--data", "labels.csv", "--out", tmp_path / "run")
    assert result.exit_code == 128 + signal.SIGINT
    assert result.stderr.count(f"trmml train --out {tmp_path / 'run'} --resume") == notes


def test_configurations_are_listed_and_shown() -> None:
    listed = invoke("--list")
    assert listed.exit_code == 0
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    assert {"voc2007", "table1/coco2014-0.1", "tiny"} <= set(names)
    shown = invoke("voc2007", "--keep", 0.3, "--show")
    assert "keep: 0.3" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["voc2008"], "voc2007"),
        (["tiny"], "data.path"),
        (["tiny", "--data", "nowhere"], "nowhere"),
        (["tiny", "--set", "recipe.epoch=3"], "did you mean `recipe.epochs`"),
        (["tiny", "--set", "recipe.lr=3"], "did you mean `recipe.max_lr`"),
        (["tiny", "--set", "lr=3"], "did you mean `recipe.max_lr`"),
        (["tiny", "--set", "learning_rate=3"], "did you mean `recipe.max_lr`"),
        (["tiny", "--set", "recipe.num_epochs=3"], "did you mean `recipe.epochs`"),
        (["tiny", "--set", "recipe.mixed_precision=fp16", "--data", "x.csv"], "needs a GPU"),
    ],
)
def test_a_mistake_ends_in_one_clear_line(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert exit_status(monkeypatch, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("trmml: ")
    assert words in error
    assert "Traceback" not in error


def test_options_write_the_settings_they_are_short_for() -> None:
    options = ["--epochs", 3, "--batch-size", 4, "--lr", 1e-5, "--encoder", "RN50:yfcc15m"]
    shown = invoke("voc2007", *options, "--show").stdout
    written = ["recipe.epochs=3", "recipe.batch_size=4", "recipe.max_lr=1e-05"]
    written += ["encoder.name=RN50", "encoder.pretrained=yfcc15m"]
    assert shown == invoke("voc2007", *(f"--set={one}" for one in written), "--show").stdout
    tiny = invoke("voc2007", "--encoder", "tiny", "--show").stdout
    assert "family: tiny\n  name: tiny\n  pretrained: null\n" in tiny
    back = invoke("tiny", "--encoder", "RN50", "--show").stdout
    assert "family: open_clip\n  name: RN50\n  pretrained: openai\n" in back


@pytest.mark.parametrize(
    ("option", "value", "setting"),
    [
        ("--epochs", 3, "recipe.epochs=3"),
        ("--epochs", 3, "recipe={epochs: 3}"),
        ("--batch-size", 3, " recipe.batch_size = 4"),
        ("--lr", 0.1, "recipe.max_lr=0.2"),
        ("--encoder", "RN50", "encoder.pretrained=openai"),
        ("--keep", 0.1, "data.keep=0.2"),
        ("--data", "x.csv", "data.path=y.csv"),
        ("--read", "blank=negative", "data.read={blank: unknown}"),
        ("--views", 2, "cache.views=3"),
    ],
)
def test_an_option_and_a_setting_do_not_say_the_same(
    option: str,
    value: object,
    setting: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert exit_status(monkeypatch, "tiny", option, value, f"--set={setting}", "--show") == 2
    error = capsys.readouterr().err
    assert error.startswith(f"trmml: `{option}` and `--set {setting.partition('=')[0].strip()}=")


def test_without_a_configuration_the_way_out_is_told() -> None:
    result = invoke("--resume")
    assert result.exit_code == 2
    assert "--list" in result.output


def test_help_has_examples_and_every_option() -> None:
    output = invoke("--help").output
    assert "trmml train voc2007 --keep 0.1" in output
    for option in (
        "data",
        "keep",
        "out",
        "resume",
        "cache-features",
        "views",
        "set",
        "list",
        "json",
    ):
        assert f"--{option}" in output
