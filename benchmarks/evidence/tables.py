"""Tables of all runs that are done, as Markdown."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.evidence.arms import QUESTIONS, WHOLE, Question
from benchmarks.evidence.one_run import path_of
from benchmarks.spread import mean_and_deviation
from trmml.atomic_write import write_atomically
from trmml.markdown_table import markdown_table

RESULTS: Final = Path(__file__).parents[1] / "results" / "evidence"

ADDING: Final = (
    "prototypes of text",
    "prototypes of regions",
    "carl+kd+mmcp",
    "all",
    "calibrated",
    "ranked",
)
OPEN_CHOICES: Final = ("bank", "thresholds", "regions", "losses")

ZERO_SHOT: Final = "zero_shot.json"
SHOWN_FIRST: Final = {
    "dualcoop": "DualCoOp-style baseline",
    "carl+kd": "regions, nothing completed",
    "all": "TRM-ML",
    "calibrated": "regions, labels completed at a promised precision",
    "ranked": "regions, labels completed by rank",
}
WORLDS_SHOWN_FIRST: Final = {
    "generated": "generated scenes",
    "landscapes": "landscapes, towers of ImageNet",
    "taught-landscapes": "landscapes, towers taught by some",
}

Runs = Mapping[int, Mapping[str, Any]]


def runs_of(folder: Path, known: str, name: str) -> Runs:
    """Return the figures of an arm by seed."""
    files = sorted(path_of(folder, known, name, 0).parent.glob("*.json"))
    return {int(path.stem): json.loads(path.read_text()) for path in files}


def cell(runs: Runs, reference: Runs | None) -> str:
    """Write mean, deviation and number of seeds, and the paired difference with its own."""
    if not runs:
        return ""
    figures = [run["map"]["score"] for run in runs.values()]
    text = f"{mean_and_deviation(figures)} ({len(figures)})"
    paired = [] if reference is None else sorted(runs.keys() & reference.keys())
    if reference is None or not paired:
        return text
    gaps = [runs[seed]["map"]["score"] - reference[seed]["map"]["score"] for seed in paired]
    return f"{text}, {mean_and_deviation(gaps, signed=True)}"


def question_table(folder: Path, question: Question) -> str:
    """Write a row for each arm and a column for each kind of known labels that all arms learnt."""
    shown = [k for k in question.known if all(runs_of(folder, k, a) for a in question.arms)]
    if shown == ["0.1"] and len(question.known) > 1:
        return ""  # what other tables show already
    reference = next(iter(question.arms))
    rows = []
    for name in question.arms:
        cells = [
            cell(
                runs_of(folder, known, name),
                None if name == reference else runs_of(folder, known, reference),
            )
            for known in shown
        ]
        rows.append([name, *cells])
    return markdown_table(["", *shown], rows) if shown else ""


def added_table(folder: Path, known: str = "0.1") -> str:
    """Write what each way to complete labels had added at the end, and how much of it is right."""
    rows = []
    for name in ADDING:
        runs = [run for run in runs_of(folder, known, name).values() if run["added"]]
        if not runs:
            continue
        last = [run["added"][-1] for run in runs]
        found = [found_of(run, run["added"][-1]["positive"]) for run in runs]
        cells = [
            f"{statistics.mean(end['positive'][0] for end in last):,.0f}",
            mean_where_told([end["positive"][1] for end in last]),
            f"{statistics.mean(found):.0f}",
            f"{statistics.mean(end['negative'][0] for end in last):,.0f}",
            mean_where_told([end["negative"][1] for end in last]),
        ]
        rows.append([name, str(len(runs)), *cells])
    titles = ["", "seeds", "positives added", "right", "of the hidden ones"]
    return markdown_table([*titles, "negatives added", "right"], rows)


def found_of(run: Mapping[str, Any], added: Sequence[Any]) -> float:
    """Return which share of the hidden positives an epoch had added, in percent."""
    number, right = added
    return number * (right or 0) / run["hidden_positives"]


def mean_where_told(figures: Sequence[float | None]) -> str:
    """Write the mean of the figures that there are."""
    told = [figure for figure in figures if figure is not None]
    return f"{statistics.mean(told):.1f}" if told else ""


def choices_table(folder: Path, world: str) -> str:
    """Write which setting of each open choice the images set aside would choose, and its worth.

    Its gain is paired with the default, on the judged images, which had no say.
    """
    rows = []
    for name in OPEN_CHOICES:
        question = QUESTIONS[name]
        if world not in question.worlds:
            continue
        arms = {arm: runs_of(folder, question.known[0], arm) for arm in question.arms}
        default = arms[WHOLE]
        seeds = set(default).intersection(*(set(runs) for runs in arms.values()))
        if not seeds:
            continue
        unseen = {arm: mean_of(runs, seeds, "validation") for arm, runs in arms.items()}
        chosen = max(unseen, key=lambda arm: unseen[arm])
        ahead = unseen[chosen] - unseen[WHOLE]
        gains = [arms[chosen][s]["map"]["score"] - default[s]["map"]["score"] for s in seeds]
        rows.append(
            [question.title, chosen, f"{ahead:+.1f}", mean_and_deviation(gains, signed=True)]
        )
    titles = ["", "chosen", "ahead, set aside", "worth, judged"]
    return markdown_table(titles, rows) if rows else ""


def mean_of(runs: Runs, seeds: set[int], images: str) -> float:
    """Return the mean of the region score's average precision over some seeds."""
    return statistics.mean(runs[seed][images]["score"] for seed in seeds)


def scores_table(folder: Path) -> str:
    """Compare what the region score, the query score and their mean predict, over all runs."""
    rows = []
    for known in sorted(path.name for path in folder.iterdir() if path.is_dir()):
        runs = [json.loads(p.read_text()) for p in sorted((folder / known).glob("*/*.json"))]
        both = [run["map"] for run in runs if "query" in run["map"]]
        if both:
            gaps = ([found[kind] - found["score"] for found in both] for kind in ("query", "mean"))
            texts = [mean_and_deviation(gap, signed=True) for gap in gaps]
            rows.append([known, str(len(both)), *texts])
    return markdown_table(["labels", "runs", "query score", "mean of both scores"], rows)


def first_table() -> str:
    """Write the table of the README: the frozen towers and the main arms, in three worlds."""
    frozen = [json.loads((RESULTS / w / ZERO_SHOT).read_text()) for w in WORLDS_SHOWN_FIRST]
    rows = [["frozen towers alone", *(f"{statistics.mean(f.values()):.1f}" for f in frozen)]]
    rows += [
        [title, *(cell(runs_of(RESULTS / world, "0.1", arm), None) for world in WORLDS_SHOWN_FIRST)]
        for arm, title in SHOWN_FIRST.items()
    ]
    return markdown_table(["mAP (%)", *WORLDS_SHOWN_FIRST.values()], rows)


def write_tables(world: str) -> str:
    """Write all tables of a world beside its runs, and return them."""
    folder = RESULTS / world
    parts = []
    for question in QUESTIONS.values():
        if world in question.worlds:
            table = question_table(folder, question)
            if table:
                parts.append(f"**{question.title}**\n\n{table}")
    more = {
        "Labels added, a tenth known": added_table(folder),
        "What validation would choose": choices_table(folder, world),
        "Other scores, against the region score": scores_table(folder),
    }
    parts += [f"**{title}**\n\n{table}" for title, table in more.items() if table]
    text = "\n\n".join(parts) + "\n"
    write_atomically(folder.with_suffix(".md"), text)
    return text
