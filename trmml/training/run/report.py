"""A run's final figures, for people."""

from collections.abc import Mapping
from typing import Any

from trmml.markdown_table import markdown_table, percent
from trmml.training.run.completion import completion_section

__all__ = ["report_text", "run_facts", "trained_on"]

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
    lines = [f"# {report['name']}", "", *(f"- {fact}" for fact in run_facts(report))]
    for split in ("validation", "test"):
        if report[split] is not None:
            lines += ["", *_section(split, report[split])]
    if report.get("completed") is not None:
        lines += ["", *completion_section(report["completed"])]
    return "\n".join(lines) + "\n"


def run_facts(report: Mapping[str, Any]) -> list[str]:
    """Return sentences on which epoch was kept and what it learnt from, names between backticks.

    Args:
        report: What `run_training` returns.
    """
    epoch, epochs = report["selected_epoch"] + 1, report["epochs"]
    selected = f"Epoch {epoch} of {epochs}" if epoch else f"Before the first of {epochs} epochs"
    return [
        f"{selected}: {SELECTION[report['selection']]}.",
        f"Trained on {trained_on(report)} (checksum {report['labels_sha256'][:12]}).",
        *(
            f"At step {one['step']} of epoch {one['epoch'] + 1} it went on with changes: "
            f"{', '.join(f'`{name}`' for name in one['changes'])} (see `changes.jsonl`)."
            for one in report.get("changes", ())
        ),
    ]


def trained_on(report: Mapping[str, Any]) -> str:
    """Return what a run was trained on, in a few words.

    Args:
        report: Of the run.
    """
    images = f"{report['num_train']:,} {report['learns_from']}"
    return f"{images}, {report['known_share']:.1%} of whose labels are known"


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
        ranking + _alone(figures),
        "",
        markdown_table(
            ("decisions", *DECISIONS),
            [(name, *(percent(row[key]) for key in DECISIONS)) for name, row in rows if row],
        ),
        "",
        markdown_table(
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


def _alone(figures: dict[str, Any]) -> str:
    """Say what the parts of a stack are worth, where there is one."""
    if "alone" not in figures:
        return ""
    alone = figures["alone"]
    return (
        f" By the stack; by the model's score alone {percent(alone['score'])}, by what the frozen "
        f"towers say unasked {percent(alone['zero_shot'])} (plain)."
    )
