"""Curves of what was measured: labels added over epochs, and scores over shares of labels."""

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from PIL import Image

from benchmarks.evidence.arms import QUESTIONS
from benchmarks.evidence.tables import Runs, found_of, runs_of
from trmml.training.run.figures import as_picture, new_figure

ASSETS: Final = Path(__file__).parents[2] / "docs" / "assets"
DRAWN_WORLD: Final = "taught-landscapes"
DRAWN: Final = ("carl+kd+mmcp", "calibrated", "ranked")


def labels_added(folder: Path, known: str = "0.1") -> Image.Image:
    """Draw which share of the added positives is right, and of the hidden ones is found."""
    figure = new_figure(8.0, 3.4)
    for number, (title, of) in enumerate(CURVES.items(), start=1):
        axes = figure.add_subplot(1, 2, number)
        for name in DRAWN:
            epochs = by_epoch(runs_of(folder, known, name), of)
            style = "--" if name == "ranked" else "-"  # else it hides another that is as right
            axes.plot([e for e, _ in epochs], [v for _, v in epochs], style, label=name)
        axes.set_xlabel("epoch")
        axes.set_title(title)
        axes.set_ylim(0, 100)
        axes.grid(alpha=0.3)
        if number == 1:
            axes.legend(frameon=False)
    return as_picture(figure)


def right(_: dict[str, Any], added: list[Any]) -> float | None:
    """Return the share of added positives that is right, in percent."""
    return added[1]


CURVES: Final[dict[str, Callable[[dict[str, Any], list[Any]], float | None]]] = {
    "added positives that are right (%)": right,
    "hidden positives that are found (%)": found_of,
}


def by_epoch(
    runs: Runs, of: Callable[[dict[str, Any], list[Any]], float | None]
) -> list[tuple[int, float]]:
    """Return the mean over the runs for each epoch in which any of them has a figure."""
    means = []
    for epoch in range(max((len(run["added"]) for run in runs.values()), default=0)):
        values = [of(dict(run), run["added"][epoch]["positive"]) for run in runs.values()]
        told = [value for value in values if value is not None]
        if told:
            means.append((epoch + 1, statistics.mean(told)))
    return means


def shares_of_labels(folder: Path) -> Image.Image:
    """Draw mean average precision over the share of known labels, for each arm."""
    question = QUESTIONS["proportions"]
    figure = new_figure(6.4, 3.8)
    axes = figure.add_subplot()
    for name in question.arms:
        cells = {float(known): runs_of(folder, known, name) for known in question.known}
        points = [
            (100 * share, statistics.mean(run["map"]["score"] for run in runs.values()))
            for share, runs in cells.items()
            if runs
        ]
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o", label=name)
    axes.set_xlabel("known labels (%)")
    axes.set_ylabel("mAP (%)")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return as_picture(figure)


def write_pictures(results: Path) -> None:
    """Write the pictures of the docs."""
    folder = results / DRAWN_WORLD
    labels_added(folder).save(ASSETS / "evidence_added.png", optimize=True)
    shares_of_labels(folder).save(ASSETS / "evidence_shares.png", optimize=True)
