"""A run's report as a page that opens without a network: figures, curves, labels, reliability."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from trmml.atomic_write import write_atomically
from trmml.charts import escaped, html_page
from trmml.data.overview_page import overview_section
from trmml.stored_files import parse_json, read_json
from trmml.training.run.class_bars import classes_section, means_section
from trmml.training.run.curves import added_section, curves_section
from trmml.training.run.reliability_charts import reliability_section
from trmml.training.run.report import run_facts

__all__ = ["PAGE", "report_page", "write_report_page"]

PAGE: Final = "report.html"
REMEDY: Final = "take the run's folder again from where it was trained"


def write_report_page(folder: str | os.PathLike[str]) -> Path:
    """Write `report.html` of a finished run from its `report.json` and `metrics.jsonl`.

    Args:
        folder: Of the run; a page that is there is replaced.

    Returns:
        The page's path.

    Raises:
        FileNotFoundError: If there is no finished run in the folder.
        ValueError: If a file is damaged, or the folder holds several runs.
    """
    folder = Path(folder)
    path, records = folder / "report.json", folder / "metrics.jsonl"
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: there is no finished run; name the folder of one, or go on with an "
            "unfinished run by `trmml train --out FOLDER --resume`."
        )
    report = read_json(path, what="the report of a run", remedy=REMEDY)
    if "runs" in report:
        raise ValueError(
            f"{folder}: holds several runs; name one of them: {', '.join(map(str, report['runs']))}"
        )
    lines = records.read_text(encoding="utf-8").splitlines() if records.is_file() else []
    epochs = [parse_json(line, where=records, what="a record", remedy=REMEDY) for line in lines]
    try:
        page = report_page(report, epochs)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise ValueError(
            f"{path}: must be the report of a run, but what it says of {error} is not as runs "
            f"write it; {REMEDY}."
        ) from error
    write_atomically(folder / PAGE, page)
    return folder / PAGE


def report_page(report: Mapping[str, Any], epochs: Sequence[Mapping[str, Any]]) -> str:
    """Return the page: what a run came to, how it got there, and what it learnt from.

    Args:
        report: What `run_training` returned; what older runs did not report is left out.
        epochs: Records of the epochs, as in `metrics.jsonl`.
    """
    return html_page(report["name"], _sections(report, epochs))


def _sections(report: Mapping[str, Any], epochs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    facts = "".join(f"<li>{_with_code(fact)}</li>" for fact in run_facts(report))
    yield f'<ul class="facts">{facts}</ul>'
    splits = {name: report[name] for name in ("test", "validation") if report[name] is not None}
    for name, figures in splits.items():
        yield means_section(name, figures)
    yield curves_section(epochs, selected=report["selected_epoch"])
    yield reliability_section(report)
    if report.get("completed") is not None:
        yield added_section(report["completed"]["by_epoch"])
    for name, figures in splits.items():  # what may be long comes last
        yield classes_section(name, figures)
    if report.get("labels") is not None:
        yield overview_section(report["labels"], title="Labels it learnt from")


def _with_code(text: str) -> str:
    return re.sub("`([^`]*)`", r"<code>\1</code>", escaped(text))
