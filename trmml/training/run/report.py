"""A run's final figures, for people."""

from typing import Any

__all__ = ["percent", "report_text"]

SELECTION = {
    "validation": "the best on images set aside from the training set",
    "test": "the best on the test set itself, as in some papers, which flatters the figures",
    "last": "the last",
}
COUNTS, RATES = ("positives", "negatives"), ("average_precision", "precision", "recall", "f1")
DECISIONS = ("CP", "CR", "CF1", "OP", "OR", "OF1")


def report_text(report: dict[str, Any]) -> str:
    """Return the report as Markdown: how the model was selected, its figures, every class.

    Args:
        report: What `run_training` returns.
    """
    epoch = report["selected_epoch"] + 1
    lines = [
        f"# {report['name']}",
        "",
        f"- Epoch {epoch} of {report['epochs']}: {SELECTION[report['selection']]}.",
        f"- Trained on {report['num_train']:,} images, {report['known_share']:.1%} of whose labels "
        f"are known (checksum {report['labels_sha256'][:12]}).",
    ]
    for split in ("validation", "test"):
        if report[split] is not None:
            lines += ["", *_section(split, report[split])]
    return "\n".join(lines) + "\n"


def _section(split: str, figures: dict[str, Any]) -> list[str]:
    ranking = (
        f"Mean average precision {percent(figures['mean_average_precision'])} (plain), "
        f"{percent(figures['interpolated_mean_average_precision'])} (interpolated), on "
        f"{figures['num_images']:,} images, {figures['known_share']:.1%} of their labels known."
    )
    rows = [("at 0.5", figures["at_half"]), ("at calibrated thresholds", figures["at_thresholds"])]
    return [
        f"## {split.capitalize()}",
        "",
        ranking,
        "",
        *_table(
            ("decisions", *DECISIONS),
            [(name, *(percent(row[key]) for key in DECISIONS)) for name, row in rows if row],
        ),
        "",
        *_table(
            ("class", "positives", "negatives", "AP", "precision", "recall", "F1"),
            [
                (
                    row["name"],
                    *(str(row[key]) for key in COUNTS),
                    *(percent(row[key]) for key in RATES),
                )
                for row in figures["classes"]
            ],
        ),
    ]


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) + ("---:",) * (len(head) - 1), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def percent(value: float | None) -> str:
    """Return a share in percent, with one decimal; "-" where there is none."""
    return "-" if value is None else f"{100 * value:.1f}"
