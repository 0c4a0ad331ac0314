"""A run that completes labels by two models trained before it: shown, stopped, resumed."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.squares_run import outcome, squares_config
from trmml.models import TRMMLConfig
from trmml.training import RunConfig, TrainingStopped, run_training

pytestmark = pytest.mark.slow

MODEL = TRMMLConfig(completion="calibrated", present_precision=0.5, absent_precision=0.5)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("squares")


@pytest.fixture(scope="module")
def config(root: Path) -> RunConfig:
    return squares_config(root, model=MODEL)


@pytest.fixture(scope="module")
def steps(root: Path, config: RunConfig) -> list[tuple[int, int]]:
    """Run to the end, and return the progress of training."""
    told: list[tuple[str, int, int]] = []
    run_training(config, root / "whole", progress=lambda *told_now: told.append(told_now))
    return [(done, total) for title, done, total in told if title == "Training"]


def test_progress_counts_the_steps_of_the_judges_too(
    root: Path, config: RunConfig, steps: list[tuple[int, int]]
) -> None:
    records = (root / "whole" / "metrics.jsonl").read_text().splitlines()
    assert len(records) == config.recipe.epochs  # the judges' epochs are none of the run's
    total = steps[0][1]
    assert steps == [(done, total) for done in range(1, total + 1)]
    assert total > config.recipe.epochs * 3  # 30 images in steps of 12


@pytest.mark.parametrize("stop_after", [1, 5, 6, 7, 12])  # 6 steps are the judges'
def test_a_stopped_run_goes_on_to_the_same_bytes(
    root: Path, config: RunConfig, steps: list[tuple[int, int]], stop_after: int, tmp_path: Path
) -> None:
    assert len(steps) == 15

    def interrupt(title: str, done: int, total: int) -> None:
        if (title, done) == ("Training", stop_after):
            os.kill(os.getpid(), signal.SIGINT)

    def notice(title: str, done: int, total: int) -> None:
        if title == "Training":
            went_on.append(done)

    went_on: list[int] = []
    with pytest.raises(TrainingStopped):
        run_training(config, tmp_path / "run", progress=interrupt)
    run_training(config, tmp_path / "run", resume=True, progress=notice)
    assert went_on == list(range(stop_after + 1, 16))
    assert outcome(tmp_path / "run") == outcome(root / "whole")


def test_other_data_while_the_judges_learn_are_refused_or_recorded(
    config: RunConfig, tmp_path: Path
) -> None:
    def interrupt(title: str, done: int, total: int) -> None:
        if (title, done) == ("Training", 2):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(TrainingStopped):
        run_training(config, tmp_path / "run", progress=interrupt)
    other = replace(config, data=replace(config.data, mask_seed=5))
    with pytest.raises(ValueError, match="--resume-with-changes"):
        run_training(other, tmp_path / "run", resume=True)
    report = run_training(other, tmp_path / "run", resume=True, accept_changes=True)
    (record,) = report["changes"]
    assert (record["epoch"], record["step"]) == (0, 0)
    own = replace(config, model=replace(MODEL, judged_by="itself"))
    with pytest.raises(ValueError, match="judged_by"):
        run_training(own, tmp_path / "run", resume=True)
