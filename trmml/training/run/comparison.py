"""Methods side by side: the same images and hidden labels for each, over several seeds."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from trmml.training.run.comparison_cells import Cell, Contestant, comparison_cells
from trmml.training.run.comparison_checks import check_comparison, check_contestants
from trmml.training.run.comparison_report import Outcome, compared, write_comparison
from trmml.training.run.folder import TIMING
from trmml.training.run.run_training import run_training
from trmml.training.run.sources import RunProgress
from trmml.training.run.timing import read_seconds

__all__ = ["run_comparison"]


def run_comparison(
    contestants: Sequence[Contestant],
    folder: str | os.PathLike[str],
    *,
    seeds: int = 3,
    progress: RunProgress | None = None,
    on_run: Callable[[Cell], None] | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Train each configuration with each seed on the same images and labels, and compare.

    The number of a seed is added to the seed of the recipe and to that of the hiding, so that with
    each seed other labels are hidden, the same ones for everybody. Called again with the same
    folder, it goes on: what is finished is taken over, and configurations or seeds may be added.

    Args:
        contestants: The first one is what the others are measured against.
        folder: Of the comparison; each run has a folder of its own in it.
        seeds: How many, in [1, 100].
        progress: As in `run_training`.
        on_run: Called with each run before it trains.
        on_epoch: As in `run_training`.

    Returns:
        The contents of `comparison.json`; `comparison.md` and `comparison.png` show the same.

    Raises:
        ValueError: If names are not distinct, something but the method decides which images and
            labels are seen, a run in the folder is of other settings or labels, or as
            `run_training`; before anything is encoded or written.
        FileExistsError: If a run is under way in one of the folders.
        TrainingStopped: If SIGINT or SIGTERM asked to stop; what was reached is saved.
    """
    check_contestants(contestants, seeds=seeds)
    cells = comparison_cells(contestants, Path(folder), seeds=seeds)
    finished = [cell.report for cell in cells]  # all at once: other processes write meanwhile
    check_comparison(cells, finished)
    reports = []
    for cell, report in zip(cells, finished, strict=True):
        if report is None:
            if on_run is not None:
                on_run(cell)
            report = run_training(
                cell.config,
                cell.place,
                task=cell.task,
                resume=True,
                progress=progress,
                on_epoch=on_epoch,
            )
        reports.append(report)
    outcomes = [
        Outcome(cell.contestant, cell.seed, _figure(report), _seconds_per_epoch(cell, report))
        for cell, report in zip(cells, reports, strict=True)
    ]
    found = compared([config for config, _ in contestants], outcomes)
    if os.environ.get("RANK", "0") == "0":
        write_comparison(found, Path(folder))
    return found


def _figure(report: dict[str, Any]) -> float | None:
    return (report["test"] or report["validation"] or {}).get("mean_average_precision")


def _seconds_per_epoch(cell: Cell, report: dict[str, Any]) -> float | None:
    seconds = read_seconds(cell.place / TIMING)
    return None if seconds is None else seconds / max(report["epochs"], 1)
