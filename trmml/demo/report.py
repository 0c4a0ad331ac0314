"""The demo's results as a file and as a table."""

import json
from pathlib import Path
from typing import Any

from trmml.atomic_write import write_atomically

__all__ = ["table_rows", "write_results"]

METHODS = {
    "zero_shot": "CLIP zero-shot, whole image",
    "zero_shot_dense": "CLIP zero-shot, best positions",
    "baseline": "DualCoOp-style baseline",
    "trmml": "TRM-ML",
}


def write_results(report: dict[str, Any], path: Path) -> None:
    """Write the report as JSON, whole or not at all."""
    write_atomically(path, json.dumps(report, indent=2) + "\n")


def table_rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Return method and mean average precision in percent; "-" where undefined."""
    figures = {key: report["map"][key] for key in METHODS}
    return [
        (title, "-" if figures[key] is None else f"{100 * figures[key]:.1f}")
        for key, title in METHODS.items()
    ]
