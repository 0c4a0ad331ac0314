"""A run that predicts by a stack: selected, reported, resumed and reopened by it."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.squares_run import outcome, squares_config
from trmml.prediction import open_model
from trmml.training import RunConfig, TrainingStopped, run_training

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("squares")


@pytest.fixture(scope="module")
def config(root: Path) -> RunConfig:
    return squares_config(root, prediction="stack")


@pytest.fixture(scope="module")
def whole(root: Path, config: RunConfig) -> Path:
    run_training(config, root / "whole")
    return root / "whole"


def report_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "report.json").read_text())


def test_the_report_is_of_the_stack_and_says_what_its_parts_are_worth(whole: Path) -> None:
    report = report_of(whole)
    assert report["prediction"] == "stack"
    for split in ("validation", "test"):
        assert set(report[split]["alone"]) == {"score", "zero_shot"}
    text = (whole / "report.md").read_text()
    assert f"unasked {100 * report['test']['alone']['zero_shot']:.1f}" in text
    assert "By the stack" in text


def test_the_selected_model_predicts_by_the_stack(whole: Path) -> None:
    model = open_model(whole / "best")
    assert model.stack is not None
    assert model.decision_thresholds == report_of(whole)["validation"]["thresholds"]
    images = torch.randn(2, 3, 64, 64)
    by_score = open_model(whole / "best", prediction="score")
    assert not torch.equal(model.predict(images), by_score.predict(images))


def test_a_stopped_run_goes_on_to_the_same_bytes(
    whole: Path, config: RunConfig, tmp_path: Path
) -> None:
    def interrupt(title: str, done: int, total: int) -> None:
        if done == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(TrainingStopped):
        run_training(config, tmp_path / "run", progress=interrupt)
    run_training(config, tmp_path / "run", resume=True)
    assert outcome(tmp_path / "run") == outcome(whole)


def test_a_start_that_nothing_beats_is_kept(root: Path, tmp_path: Path) -> None:
    config = squares_config(root, prediction="stack")
    ruinous = replace(config.recipe, epochs=1, max_lr=1e-12)  # as good as no step at all
    run_training(replace(config, recipe=ruinous), tmp_path / "run")
    assert report_of(tmp_path / "run")["selected_epoch"] == -1
    assert "Before the first of 1 epochs" in (tmp_path / "run" / "report.md").read_text()


def test_nothing_to_fit_to_is_refused_before_anything_is_written(
    root: Path, tmp_path: Path
) -> None:
    config = squares_config(root, prediction="stack", selection="last")
    with pytest.raises(ValueError, match=r"`prediction` = 'stack' needs `data\.validation_share`"):
        replace(config, data=replace(config.data, validation_share=0.0))
    few = replace(config, data=replace(config.data, keep=0.03, validation_share=0.05))
    with pytest.raises(ValueError, match="known positives and negatives on the images set aside"):
        run_training(few, tmp_path / "run")
    assert not (tmp_path / "run").exists()
