"""The demo's results as a file and as a table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trmml.atomic_write import write_atomically
from trmml.json_text import json_text
from trmml.markdown_table import percent

__all__ = ["HEAD", "reasons", "table_rows", "write_results"]

METHODS = {
    "zero_shot": "Zero-shot, whole image",
    "zero_shot_dense": "Zero-shot, best positions",
    "baseline": "DualCoOp-style baseline",
    "trmml": "TRM-ML",
    "trmml_calibrated": "TRM-ML, calibrated",
}
HEAD = ("method", "mAP", "added as present", "right", "added as absent", "right")
KINDS = ("positive", "negative")


def write_results(report: dict[str, Any], path: Path) -> None:
    """Write the report as JSON, whole or not at all."""
    write_atomically(path, json_text(report, indent=2) + "\n")


def table_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the cells of `HEAD` for each method, shares in percent; "-" where undefined.

    Methods that complete no label have nothing in the columns of added ones.
    """
    rows = []
    further = {key: key for key in report["map"] if key not in METHODS}
    for key, title in (METHODS | further).items():
        if key in report["map"]:  # reports of earlier versions have fewer methods
            rows.append((title, percent(report["map"][key]), *_added(report, key)))
    return rows


def reasons(report: dict[str, Any]) -> Iterator[str]:
    """Yield sentences on methods that could have added labels of a kind, and added none."""
    for key, found in report.get("completion", {}).items():
        if not all(found["selected"][kind]["count"] for kind in KINDS):
            yield from (f"{METHODS.get(key, key)}: {reason}" for reason in found["reasons"])


def _added(report: dict[str, Any], key: str) -> Iterator[str]:
    completion = report.get("completion", {})
    for kind in KINDS:
        if key not in completion:
            yield from ("", "")
            continue
        figures = completion[key]["selected"][kind]
        yield f"{figures['count']:,}" if figures["count"] else "none"
        yield percent(figures["precision"])
