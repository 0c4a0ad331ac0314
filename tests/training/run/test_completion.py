"""What a run says of the labels that it added, and that the truth it knows reaches no weight."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from tests.training.squares_run import squares_config
from trmml.completion.added_labels import Completion, completion_figures
from trmml.data import LabelMask, load_table
from trmml.models import TRMMLConfig
from trmml.training import RunConfig, run_training
from trmml.training.run.completion import completion_report, completion_section, promise_kept

KNOWN = torch.tensor([[1, 0, 0, 0], [0, 0, -1, 0]])
TRUTH = torch.tensor([[1, 1, -1, -1], [-1, 1, -1, 0]])
COMPLETED = torch.tensor([[1, 1, 1, -1], [0, 1, -1, -1]])
PROBABILITIES = torch.tensor([[0.1, 0.9, 0.7, 0.05], [0.3, 0.8, 0.9, 0.15]])
COMPLETION = Completion(COMPLETED, PROBABILITIES, present=0.6, absent=0.95)
CALIBRATED = TRMMLConfig(completion="calibrated", present_precision=0.5, absent_precision=0.5)


def test_added_labels_are_counted_and_held_to_the_truth() -> None:
    figures = completion_figures(COMPLETION, KNOWN, TRUTH)
    right = {"count": 3, "promised": 0.6, "judged": 3, "precision": pytest.approx(2 / 3)}
    assert figures["positive"] == {**right, "expected": pytest.approx(0.8)}
    # One of two: of the other even the truth does not speak.
    right = {"count": 2, "promised": 0.95, "judged": 1, "precision": 1.0}
    assert figures["negative"] == {**right, "expected": pytest.approx(0.9)}


def test_where_there_is_no_truth_nothing_is_said_to_be_right() -> None:
    figures = completion_figures(COMPLETION, KNOWN)
    for kind in ("positive", "negative"):
        assert (figures[kind]["judged"], figures[kind]["precision"]) == (None, None)
    assert figures["positive"]["count"] == 3
    assert promise_kept(COMPLETION, KNOWN, None) is None
    bare = completion_figures(Completion(COMPLETED), KNOWN, TRUTH)["positive"]
    assert (bare["promised"], bare["expected"]) == (None, None)
    assert promise_kept(Completion(COMPLETED), KNOWN, TRUTH) is None


def test_the_promise_is_compared_over_hidden_labels_alone() -> None:
    found = promise_kept(COMPLETION, KNOWN, TRUTH, bins=2)
    assert found is not None
    assert found["hidden"]["count"] == [2, 3]
    assert found["hidden"]["present"] == pytest.approx([0.0, 2 / 3])
    assert found["positive"]["count"] == [0, 3]
    assert found["positive"]["probability"] == [None, pytest.approx(0.8)]
    assert found["negative"] == {
        "count": [1, 0], "probability": [pytest.approx(0.05), None], "present": [0.0, None]
    }  # fmt: skip
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def section(completion: Completion, truth: torch.Tensor | None, *, selected: int = 1) -> str:
    nothing = completion_figures(completion._replace(labels=KNOWN), KNOWN, truth)
    records = [
        {"epoch": 0, "added": nothing},
        {"epoch": 1, "added": completion_figures(completion, KNOWN, truth)},
    ]
    found = completion_report(completion, records, KNOWN, truth, selected=selected)
    assert found is not None
    assert [figures["positive"]["count"] for figures in found["by_epoch"]] == [
        0,
        int(((COMPLETED == 1) & (KNOWN == 0) & (completion.labels == 1)).sum()),
    ]
    return "\n".join(completion_section(found))


def test_a_section_says_what_was_promised_and_what_is_so() -> None:
    text = section(COMPLETION, TRUTH)
    assert "| positives | 3 | 60.0 | 80.0 | 66.7 | 3 |" in text
    assert "| negatives | 2 | 95.0 | 90.0 | 100.0 | 1 |" in text
    assert "Promised: the precision asked for" in text
    text = section(Completion(COMPLETED), None)
    assert "| positives | 3 | - | - | - | - |" in text
    assert "Nothing was promised. How many are right nobody knows here" in text


def test_a_section_says_why_there_is_nothing() -> None:
    text = section(COMPLETION, TRUTH, selected=0)
    assert text.endswith("None by the end of the selected epoch; later epochs added some.")
    assert "later epochs" in section(COMPLETION, TRUTH, selected=-1)  # before the first step
    text = section(Completion(KNOWN, reasons=("Nobody withheld a label.",)), TRUTH)
    assert text.endswith("None by the end of the selected epoch.\n\n- Nobody withheld a label.")
    assert completion_report(None, [], KNOWN, TRUTH, selected=0) is None


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("squares")


@pytest.fixture(scope="module")
def hidden(root: Path) -> Path:
    """A run on the table with half of its labels hidden by the run itself."""
    run_training(squares_config(root), root / "hidden")
    return root / "hidden"


def reports(folder: Path) -> tuple[dict[str, Any], str]:
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report, (folder / "report.md").read_text(encoding="utf-8")


def test_a_run_that_hides_labels_says_how_many_it_added_rightly(hidden: Path) -> None:
    report, text = reports(hidden)
    by_epoch = report["completed"]["by_epoch"]
    assert [figures["epoch"] for figures in by_epoch] == [0, 1, 2]
    assert by_epoch[0]["positive"]["count"] == by_epoch[0]["negative"]["count"] == 0
    last = by_epoch[-1]
    assert last["positive"]["count"] + last["negative"]["count"] > 0
    for kind in ("positive", "negative"):
        assert last[kind]["judged"] == last[kind]["count"]
        assert last[kind]["promised"] is None
    lines = (hidden / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert [{"epoch": one["epoch"], **one["added"]} for one in records] == by_epoch
    assert "## Labels added" in text
    with Image.open(hidden / "labels_added.png") as picture:
        assert min(picture.size) > 300
    assert not (hidden / "reliability.png").exists()  # nothing was promised


def test_the_truth_reaches_no_weight(root: Path, hidden: Path) -> None:
    """With the same labels told, it makes no difference whether the run knows the others."""
    config = squares_config(root)
    folder = root / "train"
    table = load_table(folder / "labels.csv", folder / "photos")
    told = LabelMask.load(hidden / "labels.mask").apply(table.labels, names=table.names)
    cells = {1: "1", -1: "0", 0: ""}
    lines = [",".join(["image", *table.class_names])]
    for name, labels in zip(table.names, told.tolist(), strict=True):
        lines.append(",".join([name, *(cells[label] for label in labels)]))
    (folder / "told.csv").write_text("\n".join(lines) + "\n")
    told_alone = replace(config.data, path=str(folder / "told.csv"), keep=None)
    assert (table.labels != 0).all()
    run_training(replace(config, data=told_alone), root / "told")
    weights = [(run / "last" / "model.safetensors").read_bytes() for run in (hidden, root / "told")]
    assert weights[0] == weights[1]
    (knowing, _), (ignorant, text) = reports(hidden), reports(root / "told")
    for one, other in zip(
        knowing["completed"]["by_epoch"], ignorant["completed"]["by_epoch"], strict=True
    ):
        for kind in ("positive", "negative"):
            assert one[kind]["count"] == other[kind]["count"]
            assert (other[kind]["judged"], other[kind]["precision"]) == (None, None)
    assert "nobody knows" in text
    assert (root / "told" / "labels_added.png").exists()


def test_a_promise_is_drawn_beside_the_truth(root: Path) -> None:
    config: RunConfig = replace(squares_config(root), model=CALIBRATED)
    run_training(config, root / "calibrated")
    report, _ = reports(root / "calibrated")
    completed = report["completed"]
    hidden = completed["reliability"]["hidden"]["count"]
    assert sum(hidden) == 90 - round(90 * report["known_share"])
    last = completed["by_epoch"][-1]
    for kind in ("positive", "negative"):
        assert sum(completed["reliability"][kind]["count"]) == last[kind]["count"]
        assert last[kind]["promised"] == 0.5
    with Image.open(root / "calibrated" / "reliability.png") as picture:
        assert min(picture.size) > 300
