import json
from pathlib import Path

import pytest
import torch

from trmml.training import RunFolder
from trmml.training.loop.history import History


def test_a_figure_that_is_no_number_is_null_in_the_metrics(tmp_path: Path) -> None:
    history = History()
    history.add_step({"total": torch.tensor(0.5)})
    history.close_epoch(validation={"map": float("nan")})
    RunFolder(tmp_path).note_epoch(history)
    (line,) = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert json.loads(line, parse_constant=pytest.fail)["validation"] == {"map": None}
