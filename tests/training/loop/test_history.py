import json

import pytest
import torch
from torch import Tensor

from trmml.training.loop.history import START, History


def losses(value: float) -> dict[str, Tensor]:
    return {"total": torch.tensor(value), "contrastive": torch.tensor(value + 4)}


def with_scores(*scores: float | None) -> History:
    history = History()
    for score in scores:
        history.add_step(losses(1.0))
        history.close_epoch(validation=None if score is None else {"map": score})
    return history


def test_records_hold_the_mean_losses_of_their_epoch() -> None:
    history = History()
    for value in (1.0, 2.0, 6.0):
        history.add_step(losses(value))
    history.close_epoch(lr=0.1)
    history.add_step(losses(5.0))
    history.close_epoch()
    assert history.records[0]["losses"]["total"] == 3.0
    assert history.records[0]["losses"]["contrastive"] == 7.0
    assert history.records[0]["lr"] == 0.1
    assert [record["epoch"] for record in history.records] == [0, 1]
    assert history.records[1]["losses"]["total"] == 5.0


@pytest.mark.parametrize(
    ("scores", "best", "waited"),
    [
        ((0.1, 0.3, 0.2), 1, 1),
        ((0.3, 0.3), 0, 1),
        ((float("nan"), 0.1), 1, 0),
        ((None, None), 0, 1),
        ((), None, 0),
    ],
)
def test_the_best_epoch_is_the_first_with_the_best_score(
    scores: tuple[float, ...], best: int | None, waited: int
) -> None:
    history = with_scores(*scores)
    assert history.best_epoch() == best
    assert history.epochs_without_progress() == waited


@pytest.mark.parametrize(
    ("start", "scores", "best", "waited"),
    [
        (0.2, (), START, 0),
        (0.2, (0.1, 0.15), START, 2),
        (0.2, (0.1, 0.3), 1, 0),
        (0.2, (0.2,), START, 1),
        (float("nan"), (), START, 0),
        (float("nan"), (float("nan"),), 0, 0),
    ],
)
def test_the_start_is_a_candidate_where_it_was_judged(
    start: float, scores: tuple[float, ...], best: int, waited: int
) -> None:
    history = with_scores(*scores)
    history.start = {"map": start}
    again = History()
    again.load(history.as_plain())
    for one in (history, again):
        assert one.best_epoch() == best
        assert one.epochs_without_progress() == waited


def test_a_history_comes_back_from_json_in_the_middle_of_an_epoch() -> None:
    history = with_scores(0.1, 0.2)
    history.add_step(losses(1 / 3))
    other = History()
    other.load(json.loads(json.dumps(history.as_plain())))
    for each in (history, other):
        each.add_step(losses(0.1))
        each.close_epoch()
    assert other.records == history.records
