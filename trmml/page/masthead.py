"""The page's head: which model this is, from what is known of it and nothing else."""

import re
from html import escape
from pathlib import Path
from typing import Any, Final

from trmml.models import MultiLabelModel
from trmml.stored_files import read_json, require_kinds
from trmml.training.run.report import trained_on as told_by_report

__all__ = ["masthead_markup", "run_trained_on"]

_LINK: Final = re.compile(r"\[([^]]+)\]\([^)\s]+\)")
_KINDS: Final[dict[str, Any]] = {"num_train": int, "known_share": float, "learns_from": str}


def masthead_markup(model: MultiLabelModel, trained_on: str | None = None) -> str:
    """Tell a model's method, its towers, its categories, and what it was trained on.

    Args:
        model: Of the page.
        trained_on: What images, and how many of their labels are known; None says nothing of it.
    """
    where = ", and where" if model.has_regions else ""
    facts = [_method(model), _towers(model)]
    if model.stack is not None:
        facts.append("It predicts by a stack of its own score and what the towers say.")
    if trained_on is not None:
        facts.append(f"Trained on {trained_on}.")
    number, names = len(model.class_names), "; ".join(model.class_names.shown)
    size = f"seen at {model.image_size} x {model.image_size} pixels"
    return (
        f'<header class="masthead"><h1>What is in the picture{where}?</h1>'
        f"<p>{escape(' '.join(facts))}</p><details>"
        f"<summary>{number:,} {'category' if number == 1 else 'categories'}, "
        f"{size}</summary><p>{escape(names)}</p></details></header>"
    )


def run_trained_on(model: Path) -> str | None:
    """Return what the run that a model lies in was trained on; None where there is no such run.

    Args:
        model: Folder of the model: `best` or `last` in the folder of a run.

    Raises:
        ValueError: If the run's report is damaged.
    """
    folder = model.resolve()
    report = folder.parent / "report.json"
    if folder.name not in ("best", "last") or not report.is_file():
        return None
    what = "the report of a run"
    told = read_json(report, what=what)
    require_kinds(told, _KINDS, where=report, what=what)
    return told_by_report(told)


def _method(model: MultiLabelModel) -> str:
    credit = _LINK.sub(r"\1", model.credit)
    if model.credit == MultiLabelModel.credit:
        return f"{model.config.method}, {credit}."
    usual = type(model.config).from_dict({}).as_dict()
    changed = [name for name, value in model.config.as_dict().items() if value != usual[name]]
    return f"{credit}, with other settings of {', '.join(changed)}." if changed else f"{credit}."


def _towers(model: MultiLabelModel) -> str:
    source = model.encoders.source
    if source.family == "tiny":
        return "Its towers are the tiny pair, which knows drawn scenes only, no photographs."
    weights = f", {source.pretrained}" if source.pretrained else ""
    return f"Its towers are {source.family} {source.name}{weights}."
