"""What changed from epoch to epoch, as parts of a page."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trmml.charts import Line, line_chart
from trmml.markdown_table import percent

__all__ = ["added_section", "curves_section"]

SCORES: Final = {
    "map": "mAP, plain",
    "interpolated_map": "mAP, interpolated",
    "CF1": "CF1 at 0.5",
    "OF1": "OF1 at 0.5",
}
KINDS: Final = {"positive": "Labels added as present", "negative": "Labels added as absent"}


def curves_section(epochs: Sequence[Mapping[str, Any]], *, selected: int | None) -> str:
    """Draw what epochs were selected by, and each loss on a scale of its own.

    Args:
        epochs: Records of a run.
        selected: The epoch whose model was kept, below 0 for a model before its first step.
    """
    charts = []
    validation = [(one["epoch"] + 1, one.get("validation") or {}) for one in epochs]
    scores = [
        Line(name, [(epoch, found.get(key)) for epoch, found in validation])
        for key, name in SCORES.items()
    ]
    mark = None if selected is None or selected < 0 else (selected + 1, "selected")
    if any(found for _, found in validation):
        title = "On the images an epoch is selected by (%)"
        shown = line_chart(
            scores, title=title, across="epoch", write=percent, whole=True, mark=mark
        )
        charts.append(shown)
    losses = dict.fromkeys(name for one in epochs for name in one["losses"])
    for name in losses:
        points = [(one["epoch"] + 1, one["losses"].get(name)) for one in epochs]
        line, title = Line(name, points), f"Loss: {name}"
        charts.append(line_chart([line], title=title, across="epoch", whole=True, mark=mark))
    content = "".join(charts) or '<p class="quiet">No epoch was trained.</p>'
    return f'<section><h2>Learning curves</h2><div class="charts">{content}</div></section>'


def added_section(by_epoch: Sequence[Mapping[str, Any]]) -> str:
    """Draw how many labels training had added by each epoch, and how many of them are right.

    Args:
        by_epoch: What `completion_report` returned under this name.
    """
    charts = []
    for kind, title in KINDS.items():
        found = [(one["epoch"] + 1, one[kind]) for one in by_epoch]
        lines = [Line("added", [(epoch, side["count"]) for epoch, side in found])]
        if any(side["judged"] for _, side in found):
            lines.append(Line("right, of those that can be judged", [*map(_right, found)]))
        charts.append(
            line_chart(lines, title=title, across="epoch", write="{:,.0f}".format, whole=True)
        )
    return (
        f'<section><h2>Labels added in training</h2><div class="charts">{"".join(charts)}</div>'
        '<p class="quiet">Right ones are known only among labels that the run itself had '
        "hidden.</p></section>"
    )


def _right(found: tuple[int, Mapping[str, Any]]) -> tuple[int, float | None]:
    epoch, side = found
    share = side["precision"]
    return epoch, None if share is None else share * (side["judged"] or 0)
