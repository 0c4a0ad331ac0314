"""Every script in `examples/` runs from an empty folder, as a reader would run it, but briefly."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from examples.own_towers.packages import INSTALL
from tests.own_towers.installed import ABSENT

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))
LOOPS = ["loop_plain_pytorch", "loop_lightning", "loop_accelerate"]
TWO_PROCESSES = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]

Result = subprocess.CompletedProcess[str]


def run_briefly(script: Path, folder: Path, *options: str) -> Result:
    """Run a script in `folder`; `TRMML_FAST=1` asks the long ones for a few steps only."""
    quick = {"TRMML_FAST": "1", "MPLBACKEND": "agg"}
    quick |= {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.run(
        [sys.executable, *options, script],
        cwd=folder,
        env={**os.environ, **quick},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_there_are_examples() -> None:
    assert EXAMPLES


@pytest.fixture(scope="module")
def result_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Result]:
    """Run each script once, however many tests look at what it did."""

    @cache
    def run_once(script: Path) -> Result:
        folder = tmp_path_factory.mktemp(script.stem)
        result = run_briefly(script, folder)
        if script.stem in LOOPS:
            assert list(folder.iterdir()) == [], "a loop leaves nothing behind"
        return result

    return run_once


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_it_runs(script: Path, result_of: Callable[[Path], Result]) -> None:
    if script.stem == "own_encoders" and ABSENT:
        pytest.skip(f"needs {' and '.join(ABSENT)}: {INSTALL}")
    result = result_of(script)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip(), "an example shows its reader something"


def loss_and_map(result: Result) -> tuple[float, float]:
    """Read the last epoch's mean loss and the mAP, in percent, from what a loop printed."""
    assert result.returncode == 0, result.stderr
    losses = re.findall(r"^.*epoch.*: mean loss (\S+)$", result.stdout, re.MULTILINE)
    (precision,) = re.findall(r"^mAP on test scenes: (\S+)%$", result.stdout, re.MULTILINE)
    return float(losses[-1]), float(precision)


def test_parts_put_together_by_hand_learn_as_the_model_does(
    result_of: Callable[[Path], Result],
) -> None:
    """Nearly: the hand-made loop decays vectors too."""
    by_hand, model = (
        loss_and_map(result_of(FOLDER / f"{name}.py"))
        for name in ("loop_plain_pytorch", "loop_accelerate")
    )
    assert by_hand == pytest.approx(model, rel=1e-2)


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_learns(name: str, result_of: Callable[[Path], Result]) -> None:
    _, precision = loss_and_map(result_of(FOLDER / f"{name}.py"))
    assert precision > 30  # 20.1 before training


def test_two_processes_of_accelerate_train_as_one_does(
    tmp_path: Path, result_of: Callable[[Path], Result]
) -> None:
    script = FOLDER / "loop_accelerate.py"
    together = run_briefly(script, tmp_path, *TWO_PROCESSES)
    assert loss_and_map(together) == pytest.approx(loss_and_map(result_of(script)), abs=1e-4)
    assert "FutureWarning" not in together.stderr


@pytest.mark.parametrize("package", ["lightning", "accelerate"])
def test_a_missing_package_is_named_in_one_line(tmp_path: Path, package: str) -> None:
    without = f"import runpy, sys; sys.modules[{package!r}] = None; runpy.run_path(sys.argv[1])"
    result = run_briefly(FOLDER / f"loop_{package}.py", tmp_path, "-c", without)
    assert result.returncode == 1
    assert "pip install" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_broken_example_fails(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("import trmml\ntrmml.Nonsense\n")
    result = run_briefly(script, tmp_path)
    assert result.returncode != 0
    assert "no attribute 'Nonsense'" in result.stderr
