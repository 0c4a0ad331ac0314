import json
from dataclasses import replace

import accelerate.tracking
import pytest
from accelerate.tracking import GeneralTracker
from accelerate.utils import LoggerType

from tests.training.squares_run import squares_config
from trmml.extras import install_line
from trmml.training import run_training
from trmml.training.run.trackers import check_trackers


class Recorder(GeneralTracker):
    """Stands in for a service: keeps what is sent to it."""

    name = "wandb"
    requires_logging_directory = False
    tracker = None
    sent: list = []  # noqa: RUF012 - Accelerate makes the instance

    def __init__(self, run_name, **options) -> None:
        super().__init__()
        self.sent.append(("start", run_name, options))

    def store_init_configuration(self, values):
        self.sent.append(("settings", values))

    def log(self, values, step=None, **_):
        self.sent.append(("log", step, values))

    def finish(self):
        self.sent.append(("finish",))


@pytest.fixture
def sent(monkeypatch):
    monkeypatch.setattr(Recorder, "sent", [])
    monkeypatch.setitem(accelerate.tracking.LOGGER_TYPE_TO_CLASS, "wandb", Recorder)
    monkeypatch.setattr(accelerate.tracking, "_available_trackers", [LoggerType.WANDB])
    return Recorder.sent


def test_a_tracker_gets_settings_and_the_record_of_each_epoch(sent, tmp_path):
    config = replace(squares_config(tmp_path), trackers=("wandb",))
    config = replace(config, recipe=replace(config.recipe, epochs=2))
    run_training(config, tmp_path / "run")
    start, settings, *logged, end = sent
    assert start == ("start", "trmml", {"name": "squares"})
    assert settings[1]["recipe/epochs"] == 2
    assert settings[1]["data/keep"] == config.data.keep
    assert all(isinstance(one, bool | int | float | str | None) for one in settings[1].values())
    assert end == ("finish",)
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [(kind, step) for kind, step, _ in logged] == [("log", 0), ("log", 1)]
    for record, (_, _, values) in zip(records, logged, strict=True):
        assert values["losses/total"] == pytest.approx(record["losses"]["total"])
        assert values["validation/map"] == pytest.approx(record["validation"]["map"])


def test_a_run_that_fails_is_ended_there_as_well(sent, tmp_path):
    config = replace(squares_config(tmp_path), trackers=("wandb",))

    def fail(_):
        raise KeyError("no more")

    with pytest.raises(KeyError, match="no more"):
        run_training(config, tmp_path / "run", on_epoch=fail)
    assert sent[-1] == ("finish",)


@pytest.mark.parametrize("name", ["tensorboard", "paper"])
def test_a_tracker_is_one_of_accelerates(name, tmp_path):
    with pytest.raises(ValueError, match=f"`trackers` must be among .*wandb.*, got '{name}'"):
        check_trackers([name])


def test_one_that_is_not_installed_says_how_before_anything_is_written(monkeypatch, tmp_path):
    monkeypatch.setattr(accelerate.tracking, "_available_trackers", [])
    config = replace(squares_config(tmp_path), trackers=("wandb",))
    with pytest.raises(ModuleNotFoundError) as refused:
        run_training(config, tmp_path / "run")
    assert str(refused.value) == f"the tracker wandb is not installed; {install_line('wandb')}"
    assert not (tmp_path / "run").exists()
    with pytest.raises(ModuleNotFoundError, match="mlflow is not installed; pip install mlflow"):
        check_trackers(["mlflow"])
