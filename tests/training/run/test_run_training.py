import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.squares_run import cached, outcome, squares_config
from trmml import TRMML
from trmml.data import LabelMask
from trmml.training import (
    Recipe,
    RunConfig,
    RunFolder,
    TrainingStopped,
    load_run_config,
    run_training,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("squares")


@pytest.fixture(scope="module")
def config(root: Path) -> RunConfig:
    return squares_config(root)


@pytest.fixture(scope="module")
def whole(root: Path, config: RunConfig) -> Path:
    """A run that nobody disturbed."""
    run_training(config, root / "whole")
    return root / "whole"


def records_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_leaves_everything_behind(whole: Path, config: RunConfig) -> None:
    assert load_run_config(whole / "config.yaml") == config
    environment = json.loads((whole / "environment.json").read_text())
    assert environment["versions"]["torch"] == torch.__version__.split("+")[0]
    mask = LabelMask.load(whole / "labels.mask")
    assert environment["labels_sha256"] == mask.sha256
    assert 0.4 < mask.share < 0.6

    records = records_of(whole)
    assert [record["epoch"] for record in records] == [0, 1, 2]
    scores = [record["validation"]["map"] for record in records]
    report = json.loads((whole / "report.json").read_text())
    assert report["selected_epoch"] == scores.index(max(scores))
    assert report["validation"]["mean_average_precision"] == max(scores)
    assert report["test"]["num_images"] == 12
    assert report["num_train"] == 30
    text = (whole / "report.md").read_text()
    assert f"{100 * report['test']['mean_average_precision']:.1f}" in text
    page = (whole / "report.html").read_text(encoding="utf-8")
    for text in ("Learning curves", "Reliability", "Classes, test images", "Labels it learnt from"):
        assert text in page
    assert sum(row["positives"] for row in report["labels"]["classes"]) > 0
    assert sum(report["test"]["reliability"]["count"]) == 12 * 3
    assert list((whole / "tensorboard").iterdir())
    assert len(list((whole / "checkpoints").iterdir())) == 2

    best, last = (TRMML.from_pretrained(whole / which) for which in ("best", "last"))
    assert best.decision_thresholds == report["test"]["thresholds"]
    assert last.class_names.plain == ["red", "green", "blue"]


def test_curves_hold_the_epochs_figures(whole: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    curves = EventAccumulator(str(whole / "tensorboard")).Reload()
    records = records_of(whole)
    for name, find in {
        "losses/total": lambda record: record["losses"]["total"],
        "validation/map": lambda record: record["validation"]["map"],
    }.items():
        drawn = [event.value for event in curves.Scalars(name)]
        assert drawn == pytest.approx([find(record) for record in records])


@pytest.mark.parametrize(("number", "step"), [(signal.SIGINT, 2), (signal.SIGTERM, 6)])
def test_a_run_that_was_asked_to_stop_goes_on_to_the_same_bytes(
    whole: Path, config: RunConfig, tmp_path: Path, number: signal.Signals, step: int
) -> None:
    quiet = replace(config, checkpoint_every=None)

    def interrupt(title: str, done: int, total: int) -> None:
        assert title == "Training"
        assert total == 9
        if done == step:
            os.kill(os.getpid(), number)

    with pytest.raises(TrainingStopped) as stopped:
        run_training(quiet, tmp_path / "run", progress=interrupt)
    assert stopped.value.signal == number
    run_training(config, tmp_path / "run", resume=True)
    assert outcome(tmp_path / "run") == outcome(whole)


def test_a_full_disk_ends_a_run_that_goes_on_when_there_is_room(
    whole: Path, config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush, calls = os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 12:
            raise OSError(28, "No space left on device")
        flush(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            run_training(config, tmp_path / "run")
    assert list((tmp_path / "run" / "checkpoints").glob("step-*.safetensors"))
    run_training(config, tmp_path / "run", resume=True)
    assert outcome(tmp_path / "run") == outcome(whole)


def test_a_run_killed_at_20_random_moments_ends_in_the_same_bytes(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, "-m", "tests.training.killed_run", str(tmp_path), "20"],
        capture_output=True, text=True, env=environment, timeout=600, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout.splitlines()[-1])
    assert told["killed"] == 20
    assert len(told["reached"]) > 3, "it was killed at too few places to mean anything"
    expected = outcome(tmp_path / "whole")
    for run in ("again", *told["runs"]):
        assert outcome(tmp_path / run) == expected


def test_cached_features_train_as_their_images_do_to_rounding(
    root: Path, whole: Path, config: RunConfig, tmp_path: Path
) -> None:
    """With a view for each epoch, training sees the very same augmentation."""
    run_training(replace(config, cache=cached(root, views=3)), tmp_path / "run")
    for one, other in zip(records_of(whole), records_of(tmp_path / "run"), strict=True):
        assert other["losses"] == pytest.approx(one["losses"], rel=0.01)
        assert other["validation"] == pytest.approx(one["validation"], abs=0.1)


def test_a_folder_with_a_run_is_not_written_over(whole: Path, config: RunConfig) -> None:
    before = outcome(whole)
    with pytest.raises(FileExistsError, match="already holds a run"):
        run_training(config, whole)
    assert outcome(whole) == before
    run_training(config, whole, resume=True)  # finished: nothing but the report is made again
    assert outcome(whole) == before


def test_another_configuration_does_not_go_on(whole: Path, config: RunConfig) -> None:
    other = replace(config, recipe=replace(config.recipe, max_lr=1e-3))
    with pytest.raises(ValueError, match=r"`recipe.max_lr` was 0.004, is 0.001"):
        run_training(other, whole, resume=True)


@pytest.fixture
def no_privileges() -> Iterator[None]:
    """Act as a user who may not write everywhere."""
    if os.geteuid() == 0:
        os.seteuid(65534)
        yield
        os.seteuid(0)
    else:
        yield


def test_a_read_only_folder_is_told_before_anything_is_loaded(
    config: RunConfig, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    data = Path(config.data.path or "")
    for parent in (tmp_path, *tmp_path.parents[:3], data.parent, data.parents[1]):
        parent.chmod(0o755)
    folder.chmod(0o555)
    request.getfixturevalue("no_privileges")
    with pytest.raises(PermissionError, match="locked"):
        run_training(config, folder / "run")
    with pytest.raises(PermissionError, match="locked"):
        run_training(config, folder)


def test_a_missing_test_image_is_told_before_the_towers_are_loaded(
    root: Path, config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "test.csv"
    header, first, *_ = (root / "test" / "labels.csv").read_text().splitlines()
    table.write_text("\n".join([header, "gone.png" + first[first.index(",") :]]))
    elsewhere = replace(config, data=replace(config.data, test_path=str(table)))
    monkeypatch.setattr(type(config.encoder), "load", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(ValueError, match=r"gone\.png"):
        run_training(elsewhere, tmp_path / "runs" / "a")
    assert not (tmp_path / "runs").exists()


def test_a_ruined_state_is_not_kept(config: RunConfig, tmp_path: Path) -> None:
    absurd = replace(config, recipe=replace(config.recipe, max_lr=1e30, max_grad_norm=1e30))
    with pytest.raises(FloatingPointError, match=r"[lL]ower `max_lr`"):
        run_training(absurd, tmp_path / "run")
    state = RunFolder(tmp_path / "run").checkpoints.load()
    kept = [] if state is None else [*state.tensors.items()]
    assert all(bool(v.isfinite().all()) for n, v in kept if n.startswith("task.model.prompts"))


def test_selection_on_the_test_set_is_possible_by_name(config: RunConfig, tmp_path: Path) -> None:
    recipe = Recipe(epochs=2, batch_size=20, max_lr=4e-3)
    chosen = replace(config, selection="test", recipe=recipe)
    report = run_training(chosen, tmp_path / "run")
    records = records_of(tmp_path / "run")
    scores = [record["validation"]["map"] for record in records]
    assert report["test"]["mean_average_precision"] == max(scores)
    assert "flatters" in (tmp_path / "run" / "report.md").read_text()


def test_the_last_epoch_needs_no_images_set_aside(config: RunConfig, tmp_path: Path) -> None:
    recipe = Recipe(epochs=1, batch_size=20, max_lr=4e-3)
    data = replace(config.data, validation_share=0.0, test_path=None)
    chosen = replace(config, selection="last", recipe=recipe, data=data)
    report = run_training(chosen, tmp_path / "run")
    assert (report["num_train"], report["validation"], report["test"]) == (40, None, None)
    assert not (tmp_path / "run" / "best").exists()
    assert TRMML.from_pretrained(tmp_path / "run" / "last").decision_thresholds is None
