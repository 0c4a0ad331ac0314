import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.squares_run import squares_config
from tests.training.two_process_run import other_methods, remembering, uneven_config
from trmml.training import run_training

pytestmark = pytest.mark.slow


def run_two(*arguments: object, module: str = "tests.training.two_process_run") -> str:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    result = subprocess.run(
        [*launcher, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "Warning" not in result.stderr
    return result.stdout


def test_two_processes_run_as_one_does_also_after_a_stop(tmp_path: Path) -> None:
    squares_config(tmp_path)  # writes the pictures
    assert run_two(tmp_path, tmp_path / "two", "--stop").split() == ["stopped", "stopped"]
    assert run_two(tmp_path, tmp_path / "two") == ""
    run_training(uneven_config(tmp_path), tmp_path / "one")
    assert_alike(tmp_path / "one", tmp_path / "two")
    for name, config in other_methods(tmp_path).items():
        run_training(config, tmp_path / "one" / name)
        assert_alike(tmp_path / "one" / name, tmp_path / "two" / name)
    environment = json.loads((tmp_path / "two" / "environment.json").read_text())
    assert environment["processes"] == 2


def test_losses_remember_the_same_images_in_two_processes(tmp_path: Path) -> None:
    squares_config(tmp_path)
    run_two(tmp_path, tmp_path / "two", "--remembering")
    for name, config in remembering(tmp_path).items():
        run_training(config, tmp_path / "one" / name)
        assert_alike(tmp_path / "one" / name, tmp_path / "two" / name)


def test_two_processes_compare_together_and_the_first_one_speaks(tmp_path: Path) -> None:
    squares_config(tmp_path)
    settings = (
        "data.image_size=64",
        f"data.test_path={tmp_path / 'test' / 'labels.csv'}",
        "data.validation_share=0.25",
        "recipe.epochs=1",
        "recipe.batch_size=12",
    )
    call = ["compare", "zero-shot", "coop", "--base", "tiny", "--seeds", 1, "--quiet", "--json"]
    call += ["--data", tmp_path / "train" / "labels.csv", "--keep", 0.5, "--out", tmp_path / "out"]
    call += [word for text in settings for word in ("--set", text)]
    found = json.loads(run_two(*call, module="trmml"))
    assert found == json.loads((tmp_path / "out" / "comparison.json").read_text())
    for one in found["contestants"]:
        run = tmp_path / "out" / one["name"] / "seed-0"
        assert json.loads((run / "environment.json").read_text())["processes"] == 2
        report = json.loads((run / "report.json").read_text())
        assert one["mean"] == report["test"]["mean_average_precision"]
    assert json.loads(run_two(*call, module="trmml")) == found  # and takes over what is finished


def assert_alike(*runs: Path) -> None:
    one, two = (
        [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        for run in runs
    )
    assert len(one) == 3
    for single, double in zip(one, two, strict=True):
        # float32 over several steps; `tests/test_distributed.py` holds 1e-5 in float64
        assert double["losses"] == pytest.approx(single["losses"], rel=1e-4)
        assert double["validation"] == pytest.approx(single["validation"], abs=1e-9)
    first, second = (load_file(run / "last/model.safetensors") for run in runs)
    for name, value in first.items():
        torch.testing.assert_close(
            second[name], value, rtol=1e-4, atol=1e-5, equal_nan=True, msg=name
        )
