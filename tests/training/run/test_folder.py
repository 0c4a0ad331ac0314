import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from trmml.training import RunFolder
from trmml.training.loop.history import History
from trmml.training.loop.state import RunState


def test_a_figure_that_is_no_number_is_null_in_the_metrics(tmp_path: Path) -> None:
    history = History()
    history.add_step({"total": torch.tensor(0.5)})
    history.close_epoch(validation={"map": float("nan")})
    RunFolder(tmp_path).note_epoch(history)
    (line,) = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert json.loads(line, parse_constant=pytest.fail)["validation"] == {"map": None}


def test_a_folder_is_one_run_s_until_its_end(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "a"
    with RunFolder(path).claimed(resume=False):
        (path / "config.yaml").touch()
        for resume in (False, True):
            with (
                pytest.raises(FileExistsError, match="another run is under way in this folder"),
                RunFolder(path).claimed(resume=resume),
            ):
                pytest.fail("two runs had one folder")
    with RunFolder(path).claimed(resume=True):
        pass  # and then another may go on


def test_a_process_that_died_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import os, sys; from trmml.training import RunFolder\n"
        "with RunFolder(sys.argv[1]).claimed(resume=False): os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    assert subprocess.run(command, check=False).returncode == -9
    with RunFolder(tmp_path / "run").claimed(resume=False):
        pass


def test_a_run_that_ends_before_it_began_leaves_no_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "deep" / "a")
    with pytest.raises(ValueError, match="refused"), folder.claimed(resume=False):
        raise ValueError("refused")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(ValueError, match="refused"), RunFolder(tmp_path).claimed(resume=False):
        raise ValueError("refused")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(ValueError, match="this is no folder"):
        RunFolder(tmp_path / "run").check(resume=False)


def state(records: int = 0) -> RunState:
    return RunState({"x": torch.ones(1)}, {"history": {"records": [{}] * records}})


def test_checkpoints_that_are_gone_are_missed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.load_state(selects=False) is None  # it ended before its first state
    folder.save_state(state(), step=1)
    assert folder.load_state(selects=False) is not None
    shutil.rmtree(tmp_path / "checkpoints")
    with pytest.raises(ValueError, match="the checkpoints of this run are gone"):
        folder.load_state(selects=False)


def test_a_best_model_that_is_gone_is_missed_before_training_goes_on(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.save_state(state(records=1), step=1)
    with pytest.raises(ValueError, match="the best model so far is gone"):
        folder.load_state(selects=True)
    assert folder.load_state(selects=False) is not None
