"""Promised against delivered, as a part of a page."""

from collections.abc import Mapping
from typing import Any, Final

from trmml.charts import Line, html_table, line_chart
from trmml.markdown_table import percent

__all__ = ["reliability_section"]

HEAD: Final = ("called probable", "mean (%)", "really there (%)", "labels")


def reliability_section(report: Mapping[str, Any]) -> str:
    """Draw how often what was called probable is so; nothing where it was not counted.

    Args:
        report: Of a run.
    """
    parts = {
        f"Probabilities on {split} images": (report[split] or {}).get("reliability")
        for split in ("test", "validation")
    }
    added = (report.get("completed") or {}).get("reliability")
    parts["Probabilities by which labels were added"] = (added or {}).get("hidden")
    charts = [_chart(title, found) for title, found in parts.items() if found is not None]
    if not charts:
        return ""
    return (
        '<section><h2>Reliability</h2><p class="quiet">Each dot is a bin of labels by how probable '
        "they were called. On the dotted line what was promised is what is so; below it the model "
        f'is too sure, above it too careful.</p><div class="charts">{"".join(charts)}</div>'
        "</section>"
    )


def _chart(title: str, found: Mapping[str, Any]) -> str:
    counts, shares = found["count"], found["present"]
    points = [
        (place, share)
        for place, share in zip(found["probability"], shares, strict=True)
        if place is not None
    ]
    lines = [
        Line("delivered", points),
        Line("as promised", [(0.0, 0.0), (1.0, 1.0)], dotted=True),
    ]
    chart = line_chart(
        lines,
        title=title,
        across="probability (%)",
        write=_whole_percent,
        write_across=_whole_percent,
        span=(0.0, 1.0),
    )
    rows = [
        (
            f"{_whole_percent(place / len(counts))} to {_whole_percent((place + 1) / len(counts))}",
            percent(found["probability"][place]),
            percent(shares[place]),
            f"{count:,}",
        )
        for place, count in enumerate(counts)
    ]
    table = html_table(HEAD, rows, label=title)
    return f"<div>{chart}<details><summary>As a table</summary>{table}</details></div>"


def _whole_percent(share: float) -> str:
    return percent(share, decimals=0)
