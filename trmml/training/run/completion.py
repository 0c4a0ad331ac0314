"""What a run says of the labels that its training added, held to the truth where it is known."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch

from trmml.completion.added_labels import Completion, completion_figures
from trmml.labels import NEGATIVE, POSITIVE, UNKNOWN, Labels
from trmml.markdown_table import markdown_table, percent
from trmml.models import Task
from trmml.training.run.plain_reliability import plain_reliability

__all__ = ["added_labels", "completion_report", "completion_section", "promise_kept"]

ADDED: Final = "added"
"""The entry of an epoch's record."""


def added_labels(task: Task, known: Labels, truth: Labels | None) -> dict[str, Any]:
    """Return what an epoch's record says of the labels added by then; nothing if none ever are.

    The task is asked and told nothing: what the truth says of its labels stays here.

    Args:
        task: In training.
        known: Labels of all training images, as the task learns from them.
        truth: The same before any was hidden; None where nobody knows.
    """
    completion = task.completion(known)
    return {} if completion is None else {ADDED: completion_figures(completion, known, truth)}


def completion_report(
    completion: Completion | None,
    records: Sequence[Mapping[str, Any]],
    known: Labels,
    truth: Labels | None,
    *,
    selected: int | None,
) -> dict[str, Any] | None:
    """Return what a report says of added labels; None if the method never adds any.

    Args:
        completion: What the task tells at the end.
        records: Of all epochs, with what `added_labels` gave.
        known: As in `added_labels`.
        truth: As in `added_labels`.
        selected: The epoch whose model is kept; below 0 or None for a model before its first step.

    Returns:
        "selected", the figures of that epoch, None if there is none; "by_epoch", those of every
        epoch; "reliability", as `promise_kept` gives; "reasons" why nothing was added.
    """
    if completion is None:
        return None
    by_epoch = [
        {"epoch": record["epoch"], **record[ADDED]} for record in records if ADDED in record
    ]
    kept = [figures for figures in by_epoch if figures["epoch"] == selected]
    return {
        "selected": kept[0] if kept else None,
        "by_epoch": by_epoch,
        "reliability": promise_kept(completion, known, truth),
        "reasons": list(completion.reasons),
    }


def promise_kept(
    completion: Completion, known: Labels, truth: Labels | None, *, bins: int = 10
) -> dict[str, Any] | None:
    """Return the reliability of a completion's probabilities, as JSON knows it.

    Args:
        completion: What the task tells.
        known: As in `added_labels`.
        truth: As in `added_labels`.
        bins: Of equal width, from 0 to 1.

    Returns:
        For "hidden", all labels that were hidden, and for those added as "positive" and as
        "negative": "count" in each bin, the mean "probability" that they are positive, and the
        share of them that is "present". None where there are no probabilities, or no truth.
    """
    if truth is None or completion.probabilities is None:
        return None
    hidden = (known == UNKNOWN) & (truth != UNKNOWN)
    parts = {
        "hidden": hidden,
        "positive": hidden & (completion.labels == POSITIVE),
        "negative": hidden & (completion.labels == NEGATIVE),
    }
    found = {}
    for name, part in parts.items():
        labels = torch.where(part, truth, UNKNOWN)
        found[name] = plain_reliability(completion.probabilities, labels, bins=bins)
    return found


def completion_section(completed: Mapping[str, Any]) -> list[str]:
    """Return lines of Markdown on added labels: promised and delivered, or why there are none.

    Args:
        completed: What `completion_report` returned.
    """
    figures, by_epoch = completed["selected"], completed["by_epoch"]
    lines = ["## Labels added", ""]
    if figures is None or not _count(figures):
        late = "" if not (by_epoch and _count(by_epoch[-1])) else "; later epochs added some"
        lines += [f"None by the end of the selected epoch{late}.", ""]
    else:
        rows = [(f"{kind}s", *_cells(figures[kind])) for kind in ("positive", "negative")]
        head = ("by the selected epoch", "added", "promised", "expected", "right", "of")
        lines += [markdown_table(head, rows), "", _explained(figures), ""]
    lines += [f"- {reason}" for reason in completed["reasons"]]
    return lines if completed["reasons"] else lines[:-1]


def _explained(figures: Mapping[str, Any]) -> str:
    sides = [figures[kind] for kind in ("positive", "negative")]
    if all(side["judged"] is None for side in sides):
        right = "How many are right nobody knows here: no label was hidden by the run itself."
    else:
        right = "Right: the share of true ones among those whose label the run itself had hidden."
    if all(side["promised"] is None for side in sides):
        return f"Nothing was promised. {right}"
    return f"Promised: the precision asked for; expected: their mean probability. {right}"


def _cells(side: Mapping[str, Any]) -> tuple[str, ...]:
    shares = (percent(side[name]) for name in ("promised", "expected", "precision"))
    judged = "-" if side["judged"] is None else f"{side['judged']:,}"
    return (f"{side['count']:,}", *shares, judged)


def _count(figures: Mapping[str, Any]) -> int:
    return figures["positive"]["count"] + figures["negative"]["count"]
