"""The demo's results as a file and as a table."""

from pathlib import Path
from typing import Any

from trmml.atomic_write import write_atomically
from trmml.json_text import json_text
from trmml.markdown_table import percent

__all__ = ["table_rows", "write_results"]

METHODS = {
    "zero_shot": "CLIP zero-shot, whole image",
    "zero_shot_dense": "CLIP zero-shot, best positions",
    "baseline": "DualCoOp-style baseline",
    "trmml": "TRM-ML",
}


def write_results(report: dict[str, Any], path: Path) -> None:
    """Write the report as JSON, whole or not at all."""
    write_atomically(path, json_text(report, indent=2) + "\n")


def table_rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Return method and mean average precision in percent; "-" where undefined."""
    return [(title, percent(report["map"][key])) for key, title in METHODS.items()]
