"""What a run has measured so far: one record an epoch, and the sums of the epoch under way."""

from math import isnan
from typing import Any

import torch
from torch import Tensor

__all__ = ["START", "History"]

START = -1
"""Stands for the epoch of a model that has not learnt yet."""
NO_SCORE = float("-inf")


class History:
    """Records of finished epochs, kept as plain values so that they are saved and compared exactly.

    Attributes:
        records: One for each finished epoch: its number, mean losses, and what validation gave.
        start: What validation gave before the first step, where that is a candidate too.
    """

    def __init__(self) -> None:
        """Start with nothing measured."""
        self.records: list[dict[str, Any]] = []
        self.start: dict[str, Any] | None = None
        self._sums: dict[str, float] = {}
        self._steps = 0

    def add_step(self, losses: dict[str, Tensor]) -> None:
        """Count a step's losses, the same names in every step."""
        values = torch.stack(list(losses.values())).tolist()
        for name, value in zip(losses, values, strict=True):
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._steps += 1

    def close_epoch(self, **measured: Any) -> None:  # noqa: ANN401 - whatever JSON knows
        """Turn the sums into a record, and start the next epoch."""
        losses = {name: total / self._steps for name, total in self._sums.items()}
        self.records.append({"epoch": len(self.records), "losses": losses, **measured})
        self._sums, self._steps = {}, 0

    def scores(self) -> list[float]:
        """Return the selection score of each epoch; -inf where there is none."""
        return [_score(record.get("validation")) for record in self.records]

    def best_epoch(self) -> int | None:
        """Return the first epoch with the best score, or `START`; None before the first epoch."""
        scores, start = self.scores(), _score(self.start)
        if self.start is not None and (not scores or start >= max(scores) > NO_SCORE):
            return START
        return scores.index(max(scores)) if scores else None

    def epochs_without_progress(self) -> int:
        """Return how many epochs have passed since the best one."""
        best = self.best_epoch()
        return 0 if best is None else len(self.records) - 1 - best

    def as_plain(self) -> dict[str, Any]:
        """Return everything as JSON knows it."""
        plain = {"records": self.records, "sums": self._sums, "steps": self._steps}
        return plain if self.start is None else plain | {"start": self.start}

    def load(self, plain: dict[str, Any]) -> None:
        """Go on from what `as_plain` returned."""
        self.records, self.start = list(plain["records"]), plain.get("start")
        self._sums, self._steps = dict(plain["sums"]), plain["steps"]


def _score(validation: dict[str, Any] | None) -> float:
    score = (validation or {}).get("map")
    return NO_SCORE if score is None or isnan(score) else score
