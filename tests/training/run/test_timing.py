import json
from pathlib import Path

import pytest

from trmml.training.run import timing
from trmml.training.run.timing import TrainingClock, read_seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(timing, "perf_counter", lambda: now[0])
    return now


def test_seconds_add_up_over_stops_without_what_was_lost(
    tmp_path: Path, clock: list[float]
) -> None:
    path = tmp_path / "timing.json"
    assert read_seconds(path) is None
    first = TrainingClock(path, goes_on=False)
    for seconds in (2.0, 3.0):
        clock[0] += seconds
        first.note()
    assert read_seconds(path) == 5.0
    clock[0] += 50  # steps after the last state, and the time until it goes on
    second = TrainingClock(path, goes_on=True)
    clock[0] += 1.5
    second.note()
    assert read_seconds(path) == 6.5


def test_a_training_that_starts_anew_counts_anew(tmp_path: Path, clock: list[float]) -> None:
    path = tmp_path / "timing.json"
    path.write_text('{"seconds": 7}')
    fresh = TrainingClock(path, goes_on=False)
    clock[0] += 1
    fresh.note()
    assert read_seconds(path) == 1.0


def test_of_a_training_from_before_nobody_knows(tmp_path: Path, clock: list[float]) -> None:
    path = tmp_path / "timing.json"
    old = TrainingClock(path, goes_on=True)
    clock[0] += 1
    old.note()
    assert json.loads(path.read_text()) == {"seconds": None}
    assert read_seconds(path) is None


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"seconds": "7"}'])
def test_a_damaged_file_is_refused_with_what_to_do(text: str, tmp_path: Path) -> None:
    path = tmp_path / "timing.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"timing\.json must be the seconds of a training.*delete"):
        read_seconds(path)
