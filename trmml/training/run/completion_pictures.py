"""Pictures of the labels that training added: the promise beside the truth, and epoch by epoch."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from pathlib import Path
from typing import Any, Final

from PIL import Image

from trmml.prediction.picture_files import write_picture
from trmml.training.run.figures import as_picture, new_figure

__all__ = ["draw_added", "draw_promise", "write_completion_pictures"]

KINDS: Final = ("positive", "negative")
COLOURS: Final = {"positive": "#1a7f37", "negative": "#3557a0", "hidden": "#8c959f"}
WRONG: Final = "#d1242f"
NAMES: Final = {
    "hidden": "all hidden labels",
    "positive": "added as present",
    "negative": "added as absent",
}
HEADROOM: Final = 1.3  # above the highest bar, for the legend


def draw_promise(
    reliability: Mapping[str, Any], figures: Mapping[str, Any] | None = None
) -> Image.Image:
    """Draw how often labels are right against how probable they were called.

    Left, each dot is a bin of probabilities: on the line, what was promised was delivered. Below
    it, how many labels each bin holds, those that were added in colour. Right, the same in two
    numbers for each kind of label that was added.

    Args:
        reliability: What `promise_kept` returned.
        figures: Of the epoch to report on, as `completion_figures` returns them.
    """
    figure = new_figure(9.6, 5.4)
    grid = figure.add_gridspec(2, 2, height_ratios=(3, 1.2), width_ratios=(1.35, 1))
    upper, lower = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1, 0])
    _draw_bins(upper, reliability)
    _draw_counts(lower, reliability)
    if figures is not None:
        _draw_two_numbers(figure.add_subplot(grid[:, 1]), figures)
    return as_picture(figure)


def draw_added(series: Mapping[str, Sequence[Mapping[str, Any]]]) -> Image.Image:
    """Draw how many labels were added in each epoch, and how many of them are right.

    Args:
        series: For each training, by its name, the figures of its epochs, as `completion_report`
            returns them.
    """
    figure = new_figure(1.2 + 4.6 * len(series), 5.0)
    axes = figure.subplots(2, len(series), squeeze=False, sharex="col", sharey="row")
    for column, (name, epochs) in enumerate(series.items()):
        for row, kind in enumerate(KINDS):
            _draw_epochs(axes[row][column], kind, epochs)
            axes[row][0].set_ylabel(NAMES[kind])
        axes[0][column].set_title(name, fontsize=11, fontweight="bold")
        axes[1][column].set_xlabel("epoch")
    return as_picture(figure)


def write_completion_pictures(completed: Mapping[str, Any], folder: Path) -> None:
    """Write the pictures that there is something to show on: none where nothing was added.

    Args:
        completed: What `completion_report` returned.
        folder: To write `labels_added.png` and `reliability.png` to.
    """
    by_epoch = completed["by_epoch"]
    if any(figures[kind]["count"] for figures in by_epoch for kind in KINDS):
        write_picture(draw_added({"": by_epoch}), folder / "labels_added.png")
    if completed["reliability"] is not None:
        shown = draw_promise(completed["reliability"], by_epoch[-1] if by_epoch else None)
        write_picture(shown, folder / "reliability.png")


def _draw_bins(axes: Any, reliability: Mapping[str, Any]) -> None:  # noqa: ANN401
    line = {"color": "#8c959f", "linewidth": 1, "linestyle": ":", "zorder": 0}
    axes.plot([0, 1], [0, 1], label="as promised", **line)
    for name in ("hidden", *KINDS):
        part = reliability[name]
        places = [place for place, count in enumerate(part["count"]) if count]
        axes.plot(
            [part["probability"][place] for place in places],
            [part["present"][place] for place in places],
            marker="o" if name == "hidden" else "D",
            markersize=7,
            markerfacecolor="white" if name == "hidden" else COLOURS[name],
            color=COLOURS[name],
            linestyle="-" if name == "hidden" else "none",
            linewidth=1,
            label=NAMES[name],
        )
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), ylabel="share really present")
    axes.legend(loc="upper left", frameon=False)
    axes.set_title("Delivered against promised", fontsize=11, fontweight="bold")
    axes.tick_params(labelbottom=False)


def _draw_counts(axes: Any, reliability: Mapping[str, Any]) -> None:  # noqa: ANN401
    hidden = reliability["hidden"]["count"]
    width = 1 / len(hidden)
    for place, count in enumerate(hidden):
        middle = (place + 0.5) * width
        axes.bar(middle, count, 0.86 * width, color="#eaeef2", edgecolor=COLOURS["hidden"])
        for kind in KINDS:
            axes.bar(middle, reliability[kind]["count"][place], 0.86 * width, color=COLOURS[kind])
        if count:
            axes.text(middle, 1.15 * count, _short(count), ha="center", va="bottom", fontsize=8)
    axes.set_yscale("symlog", linthresh=1)
    axes.set(xlim=(-0.03, 1.03), ylim=(0, 12 * max(*hidden, 1)))
    axes.set(xlabel="probability that it is present", ylabel="labels")
    axes.tick_params(axis="y", labelsize=8)


def _draw_two_numbers(axes: Any, figures: Mapping[str, Any]) -> None:  # noqa: ANN401
    for place, kind in enumerate(KINDS):
        side, bottom = figures[kind], -1.5 * place
        axes.text(0, bottom + 0.62, _said(kind, side), va="bottom", fontsize=10)
        for offset, name, words in (
            (0.42, "promised", "asked for"),
            (0.14, "expected", "expected"),
            (-0.14, "precision", "right"),
        ):
            share = side[name]
            solid = name == "precision"
            axes.barh(
                bottom + offset,
                share or 0,
                0.22,
                color=COLOURS[kind] if solid else "#eaeef2",
                edgecolor=COLOURS[kind],
            )
            axes.text(-0.02, bottom + offset, words, ha="right", va="center", fontsize=9)
            number = "-" if share is None else f"{share:.1%}"
            axes.text((share or 0) + 0.02, bottom + offset, number, va="center", fontsize=9)
    axes.set(xlim=(-0.02, 1.2), ylim=(-1.8, 1.1))
    axes.axis("off")
    axes.set_title("What was added", fontsize=11, fontweight="bold")


def _draw_epochs(axes: Any, kind: str, epochs: Sequence[Mapping[str, Any]]) -> None:  # noqa: ANN401
    numbers = [figures["epoch"] + 1 for figures in epochs]
    counts = [figures[kind]["count"] for figures in epochs]
    shares = [figures[kind]["precision"] for figures in epochs]
    # What nobody can judge comes last, so that right and wrong are as large as they are known.
    judged = [figures[kind]["judged"] or 0 for figures in epochs]
    right = [number * (share or 0) for number, share in zip(judged, shares, strict=True)]
    unknown = [count - number for count, number in zip(counts, judged, strict=True)]
    if any(judged):
        wrong = [number - part for number, part in zip(judged, right, strict=True)]
        axes.bar(numbers, right, color=COLOURS[kind], label="right")
        axes.bar(numbers, wrong, bottom=right, color=WRONG, alpha=0.55, label="wrong")
        _write_shares(axes, numbers, counts, shares)
    if any(unknown):
        said = {"color": COLOURS["hidden"], "label": "nobody checked"}
        axes.bar(numbers, unknown, bottom=judged, **said)
    top = max([*counts, 1, axes.get_ylim()[1] / HEADROOM])
    axes.set(ylim=(0, HEADROOM * top), xlim=(0.3, numbers[-1] + 0.7))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    if any(counts):
        axes.legend(loc="upper left", frameon=False, ncols=3)
    else:
        axes.text(0.5, 0.5, "none added", ha="center", color="gray", transform=axes.transAxes)


def _write_shares(
    axes: Any,  # noqa: ANN401
    numbers: Sequence[int],
    counts: Sequence[int],
    shares: Sequence[float | None],
) -> None:
    """Write the share of right ones over some of the bars, the last one always."""
    every = ceil(len(numbers) / 8)
    for number, count, share in zip(numbers[::-1], counts[::-1], shares[::-1], strict=True):
        if share is not None and (numbers[-1] - number) % every == 0:
            text = f"{share:.0%}"
            axes.text(number, count, text, ha="center", va="bottom", fontsize=8)


def _said(kind: str, side: Mapping[str, Any]) -> str:
    return f"{side['count']:,} labels {NAMES[kind]}"


def _short(count: int) -> str:
    """Write a number in at most four signs, such as 87, 1.2k or 41k."""
    if count < 1000:
        return str(count)
    power = floor(log10(count)) // 3
    value = count / 1000**power
    return f"{value:.{0 if value >= 10 else 1}f}{'kMG'[power - 1]}"
