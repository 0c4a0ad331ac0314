"""Final figures as a part of a page: the means, and a bar for each class."""

from collections.abc import Mapping
from typing import Any, Final

from trmml.charts import escaped, html_table, share_bar
from trmml.markdown_table import percent

__all__ = ["classes_section", "means_section"]

HEAD: Final = (
    *("class", "", "AP", "precision", "recall", "F1"),
    *("threshold", "there", "not there"),
)


def means_section(split: str, figures: Mapping[str, Any]) -> str:
    """Write a split's means.

    Args:
        split: Its name.
        figures: What a run reports of it.
    """
    calibrated = figures["at_thresholds"]
    decisions = figures["at_half"] if calibrated is None else calibrated
    decided = "0.5" if calibrated is None else "the thresholds"
    means = {
        "mAP, plain": figures["mean_average_precision"],
        "mAP, interpolated": figures["interpolated_mean_average_precision"],
        f"CF1 at {decided}": decisions["CF1"],
        f"OF1 at {decided}": decisions["OF1"],
    }
    items = "".join(
        f"<li><b>{percent(value)}</b><span>{escaped(name)}</span></li>"
        for name, value in means.items()
    )
    return (
        f"<section><h2>{escaped(split.capitalize())}</h2>"
        f'<ul class="figures">{items}</ul>'
        f'<p class="quiet">In percent, on {figures["num_images"]:,} images, '
        f"{figures['known_share']:.1%} of their labels known.</p></section>"
    )


def classes_section(split: str, figures: Mapping[str, Any]) -> str:
    """Draw a split's classes, the best first, with support and thresholds.

    Args:
        split: Its name.
        figures: What a run reports of it.
    """
    cuts = figures.get("thresholds") or [0.5] * len(figures["classes"])
    rows = sorted(zip(figures["classes"], cuts, strict=True), key=_worst_last)
    title = f"Classes, {split} images"
    return (
        f'<section><h2>{escaped(title)}</h2><p class="quiet">A bar is the average precision, its '
        "notch what chance would reach. Precision, recall and F1, in percent as well, are those of "
        "decisions at the threshold; the last two columns count the labels that are known.</p>"
        + html_table(HEAD, [_row(*row) for row in rows], label=title)
        + "</section>"
    )


def _worst_last(row: tuple[Mapping[str, Any], float]) -> float:
    found = row[0]["average_precision"]
    return 1.0 if found is None else -found  # classes without a positive come last


def _row(figures: Mapping[str, Any], threshold: float) -> tuple[str, ...]:
    there, absent = figures["positives"], figures["negatives"]
    found = figures["average_precision"]
    said = f"{figures['name']}: average precision {percent(found)}"
    chance = there / (there + absent) if found is not None else None
    return (
        escaped(figures["name"]),
        share_bar(found, mark=chance, label=said),
        *(percent(figures[name]) for name in ("average_precision", "precision", "recall", "f1")),
        f"{threshold:.2f}",
        f"{there:,}",
        f"{absent:,}",
    )
