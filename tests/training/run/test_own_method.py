"""A method that the library has never heard of goes through all of it."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from tests.training.squares_run import outcome, squares_config
from trmml.cli.app import app
from trmml.data import open_split
from trmml.models import load_task
from trmml.prediction import align_classes, evaluate_scores, open_model, score_images, tag_images
from trmml.sharing import export_onnx, largest_difference
from trmml.training import RunConfig, dump_run_config, run_training

pytestmark = pytest.mark.slow

FILE = Path(__file__).parents[3] / "examples" / "own_method.py"
PLACE = f"{FILE}:LinearHeadTask"
METHOD = load_task(PLACE)


def own_config(root: Path) -> RunConfig:
    return replace(squares_config(root), name="own", model=METHOD.Model.Config(bias=False))  # pyright: ignore


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    (folder / "own.yaml").write_text(dump_run_config(own_config(folder)))
    return folder


@pytest.fixture(scope="module")
def whole(root: Path) -> Path:
    run_training(own_config(root), root / "whole", task=METHOD)
    return root / "whole"


def invoke(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_it_learns(whole: Path) -> None:
    records = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    assert [list(record["losses"]) for record in records] == [["total"]] * 3
    assert records[-1]["losses"]["total"] < records[0]["losses"]["total"]
    report = json.loads((whole / "report.json").read_text())
    assert report["test"]["num_images"] == 12
    assert report["completed"] is None  # it adds no label, and nothing is said of any
    assert "Labels added" not in (whole / "report.md").read_text()
    card = json.loads((whole / "best" / "config.json").read_text())
    assert (card["method"], card["config"]["bias"]) == ("linear-head", False)


def test_killed_and_resumed_it_ends_in_the_same_bytes(root: Path, whole: Path) -> None:
    config, out = root / "own.yaml", root / "killed"
    command = [sys.executable, "-m", "trmml", "train", config, "--task", PLACE, "--out", out]
    child = subprocess.Popen([*map(str, command), "--quiet"])
    deadline = time.monotonic() + 120
    while not list(out.glob("checkpoints/step-*[2-8]-*.safetensors")):
        assert child.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (out / "report.json").exists()
    run_training(own_config(root), out, task=METHOD, resume=True)
    assert outcome(out) == outcome(whole)


def test_it_is_evaluated_and_predicts(root: Path, whole: Path) -> None:
    model = open_model(whole / "best", task=METHOD)
    table = align_classes(open_split(root / "test" / "labels.csv")[1], model.class_names)
    found = evaluate_scores(score_images(model, table), table.labels, table.class_names)
    report = json.loads((whole / "report.json").read_text())["test"]
    assert found.mean_average_precision == pytest.approx(report["mean_average_precision"])
    (prediction,) = tag_images(model, [table.paths[0]], top_k=2)
    assert len(prediction.tags) == 2


def test_it_exports(whole: Path, tmp_path: Path) -> None:
    model = open_model(whole / "best", task=METHOD)
    export_onnx(model, tmp_path / "own.onnx", regions=False)
    assert largest_difference(model, tmp_path / "own.onnx") < 1e-4


def test_every_command_takes_it(root: Path, whole: Path, tmp_path: Path) -> None:
    best, table = whole / "best", root / "test" / "labels.csv"
    out = tmp_path / "run"
    few = ("--set", "recipe.epochs=1", "--quiet", "--json")
    report = json.loads(invoke("train", root / "own.yaml", "--task", PLACE, "--out", out, *few))
    assert report["test"]["num_images"] == 12
    task = ("--task", PLACE, "--quiet")
    assert json.loads(invoke("train", "--out", out, "--resume", "--json", *task)) == report
    photograph = next((root / "test" / "photos").iterdir())
    assert photograph.name in invoke("predict", best, photograph, "--top-k", 1, *task)
    assert "mAP" in invoke("eval", best, table, *task)
    review = tmp_path / "review.csv"
    invoke("label", best, root / "train" / "labels.csv", "--out", review, *task)
    assert "accept" in review.read_text(encoding="utf-8-sig")
    invoke("export", best, "--out", tmp_path / "own.pt2", *task)
    assert (tmp_path / "own.pt2").exists()


def test_without_its_file_the_commands_say_what_is_missing(whole: Path) -> None:
    with pytest.raises(ValueError, match=r"'linear-head'.*--task"):
        open_model(whole / "best")


def test_it_has_no_regions_and_says_so(whole: Path, tmp_path: Path) -> None:
    model = open_model(whole / "best", task=METHOD)
    with pytest.raises(ValueError, match="LinearHead must have regions to draw them"):
        model.heatmap(torch.zeros(1, 3, 64, 64))
    result = CliRunner().invoke(
        app, ["heatmap", str(whole / "best"), str(whole), "--out", str(tmp_path), "--task", PLACE]
    )
    assert result.exit_code != 0


def test_a_state_of_another_method_is_refused(root: Path, whole: Path) -> None:
    before = outcome(whole)
    with pytest.raises(ValueError, match=r"of another training: `model\..*`"):
        run_training(squares_config(root), whole, resume=True)
    assert outcome(whole) == before
