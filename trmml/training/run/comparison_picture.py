"""A comparison as a picture: a dot for each seed, a line for the mean."""

from collections.abc import Mapping
from typing import Any, Final

from PIL import Image

from trmml.training.run.figures import as_picture, new_figure

__all__ = ["draw_comparison"]

BLUE: Final = "#3557a0"
GREEN, RED, GREY = "#1a7f37", "#d1242f", "#8c959f"


def draw_comparison(found: Mapping[str, Any]) -> Image.Image:
    """Draw the figures of every seed, and how far each is from the first configuration's.

    Args:
        found: What `compared` returned.
    """
    contestants = found["contestants"]
    figure = new_figure(9.6, 1.5 + 0.45 * len(contestants))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.4, 1))
    first = contestants[0]
    for place, one in enumerate(contestants):
        _draw(left, place, one["figures"], one["mean"], BLUE)
        pairs = zip(one["figures"], first["figures"], strict=True)
        apart = [None if None in pair else pair[0] - pair[1] for pair in pairs]
        difference = (one["difference"] or {"mean": None})["mean"]
        if place:
            _draw(right, place, apart, difference, GREEN if (difference or 0) >= 0 else RED)
    right.set_visible(len(contestants) > 1)
    right.axvline(0, color=GREY, linewidth=1, linestyle=":", zorder=0)
    left.set_yticks(range(len(contestants)), [one["name"] for one in contestants])
    left.set_ylim(len(contestants) - 0.5, -0.5)
    left.set_xlabel(f"mean average precision, {found['judged_on']} images (%)")
    right.set_xlabel(f"difference to {first['name']}, same seed")
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", color="#eaeef2", zorder=-1)
        axes.set_axisbelow(True)
        axes.margins(x=0.12)
    return as_picture(figure)


def _draw(
    axes: Any,  # noqa: ANN401
    place: int,
    figures: list[float | None],
    mean: float | None,
    colour: str,
) -> None:
    dots = [100 * figure for figure in figures if figure is not None]
    axes.plot(dots, [place] * len(dots), "o", color=colour, alpha=0.45, markersize=6, mew=0)
    if mean is not None:
        axes.plot([100 * mean] * 2, [place - 0.3, place + 0.3], color=colour, linewidth=2)
        text = f"{100 * mean:.1f}" if axes.get_subplotspec().colspan.start == 0 else ""
        axes.text(100 * mean, place - 0.32, text, ha="center", va="bottom", fontsize=8)
