"""Several runs behind one figure: a table's mean over the shares of known labels."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from trmml.atomic_write import write_atomically
from trmml.json_text import json_text
from trmml.models import Task
from trmml.stored_files import read_json, require_kinds
from trmml.training.config.run_config import RunConfig
from trmml.training.run.run_training import run_training
from trmml.training.run.sources import RunProgress

__all__ = ["read_report", "run_sweep"]


def run_sweep(
    config: RunConfig,
    folder: str | os.PathLike[str],
    *,
    task: type[Task] | None = None,
    resume: bool = False,
    accept_changes: bool = False,
    progress: RunProgress | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Do each of a configuration's runs in a folder of its own, and average their test figures.

    Args:
        config: With several shares in `data.keep`; with one it is `run_training`.
        folder: Of the run, or of the runs' folders and their `report.json`.
        task: As in `run_training`.
        resume: Take over the runs that are finished, and go on with the one under way.
        accept_changes: As in `run_training`.
        progress: As in `run_training`.
        on_epoch: As in `run_training`.

    Returns:
        The contents of `report.json`: of several runs the mean average precision of each and the
        mean over those that have one.

    Raises:
        FileExistsError: If the folder holds runs and `resume` is False; and as `run_training`.
    """
    train = partial(
        run_training,
        task=task,
        resume=resume,
        accept_changes=accept_changes,
        progress=progress,
        on_epoch=on_epoch,
    )
    if len(config.runs) == 1:
        return train(config.runs[0], folder)
    found = {}
    for run in config.runs:
        place = Path(folder) / run.name.rpartition("/")[2]
        finished = place / "report.json"
        report = read_report(finished) if resume and finished.exists() else train(run, place)
        found[run.name] = (report["test"] or report["validation"] or {}).get(
            "mean_average_precision"
        )
    figures = [figure for figure in found.values() if figure is not None]
    mean = sum(figures) / len(figures) if figures else None
    report = {"name": config.name, "runs": found, "mean_average_precision": mean}
    if os.environ.get("RANK", "0") == "0":
        write_atomically(Path(folder) / "report.json", json_text(report, indent=2) + "\n")
    return report


def read_report(path: Path) -> dict[str, Any]:
    """Read the `report.json` of a finished run.

    Args:
        path: Of the file.

    Raises:
        ValueError: If it is damaged.
    """
    what, remedy = "the report of a run", "delete it, and it is written again"
    report = read_json(path, what=what, remedy=remedy)
    kinds = {"test": (dict, None), "validation": (dict, None)}
    require_kinds(report, kinds, where=path, what=what, remedy=remedy)
    for figures in (report["test"], report["validation"]):
        if figures is not None:
            figure = {"mean_average_precision": (float, None)}
            require_kinds(
                figures, figure, where=path, what=what, remedy=remedy, optional=(*figure,)
            )
    return report
