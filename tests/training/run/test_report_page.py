import json
from pathlib import Path
from typing import Any

import pytest
import torch

from trmml.data import label_overview
from trmml.training import write_report_page
from trmml.training.run.class_bars import classes_section
from trmml.training.run.plain_reliability import plain_reliability
from trmml.training.run.report_page import report_page

DECISIONS = dict.fromkeys(("CP", "CR", "CF1", "OP", "OR", "OF1"), 0.5)
RATES = ("precision", "recall", "f1")


def figures(**changed: Any) -> dict[str, Any]:  # noqa: ANN401
    rows = [
        {"name": "sea", "positives": 30, "negatives": 10, "average_precision": 0.6},
        {"name": "<boat>", "positives": 5, "negatives": 35, "average_precision": 0.9},
        {"name": "sky", "positives": 0, "negatives": 40, "average_precision": None},
    ]
    return {
        "num_images": 40,
        "known_share": 1.0,
        "mean_average_precision": 0.75,
        "interpolated_mean_average_precision": 0.76,
        "at_half": DECISIONS,
        "at_thresholds": DECISIONS,
        "thresholds": [0.25, 0.125, 0.5],
        "classes": [row | dict.fromkeys(RATES, row["average_precision"]) for row in rows],
    } | changed


def whole_report() -> dict[str, Any]:
    side = {"count": 8, "judged": 4, "precision": 0.75, "promised": None, "expected": None}
    sure = plain_reliability(torch.tensor([[0.1, 0.9]]), torch.tensor([[-1, 1]]))
    return {
        "name": "mine & yours",
        "selection": "validation",
        "selected_epoch": 1,
        "epochs": 2,
        "num_train": 50,
        "learns_from": "images",
        "known_share": 0.1,
        "labels_sha256": "0123456789abcdef",
        "changes": [{"epoch": 0, "step": 3, "changes": {"data.images": {}}}],
        "validation": figures(reliability=sure),
        "test": figures(reliability=sure),
        "labels": label_overview(torch.tensor([[1, 0], [1, -1]]), ["sea", "sky"]),
        "completed": {
            "by_epoch": [{"epoch": epoch, "positive": side, "negative": side} for epoch in (0, 1)],
            "reliability": {"hidden": sure},
        },
    }


EPOCHS = [
    {"epoch": 0, "losses": {"total": 2.0}, "validation": {"map": 0.5, "CF1": None}},
    {"epoch": 1, "losses": {"total": 1.0}, "validation": {"map": 0.75, "CF1": 0.5}},
]


def run_folder(folder: Path, report: object, epochs: list[Any] = EPOCHS) -> Path:
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(report))
    lines = "".join(json.dumps(record) + "\n" for record in epochs)
    (folder / "metrics.jsonl").write_text(lines)
    return folder


def test_the_page_shows_all_that_the_run_reports(tmp_path: Path) -> None:
    path = write_report_page(run_folder(tmp_path / "run", whole_report()))
    assert path == tmp_path / "run" / "report.html"
    page = path.read_text(encoding="utf-8")
    for text in (
        "<h1>mine &amp; yours</h1>",
        "<li>Epoch 2 of 2: the best on images set aside from the training set.</li>",
        "changes: <code>data.images</code> (see <code>changes.jsonl</code>)",
        "<b>75.0</b><span>mAP, plain</span>",
        "Loss: total",
        "mAP, plain, epoch 2: 75.0",
        ">selected</text>",
        "Probabilities on test images",
        "Probabilities by which labels were added",
        "right, of those that can be judged, epoch 2: 3",
        "Classes, validation images",
        "Labels it learnt from",
        "sea: 2 known to be there",
    ):
        assert text in page, text
    assert "<script" not in page


def test_what_older_runs_did_not_report_is_left_out() -> None:
    report = whole_report()
    for name in ("labels", "completed", "changes"):
        del report[name]
    report["validation"] = None
    report["test"] = figures()
    del report["test"]["thresholds"]
    page = report_page(report, [])
    assert "Classes, test images" in page
    assert "No epoch was trained." in page
    for text in ("Reliability", "Labels it learnt from", "Labels added", "Validation"):
        assert text not in page


def test_classes_stand_best_first_with_support_threshold_and_chance() -> None:
    section = classes_section("test", figures())
    places = [section.index(f'<th scope="row">{name}<') for name in ("&lt;boat&gt;", "sea", "sky")]
    assert places == sorted(places)
    boat, sea, sky = section.split('<th scope="row">')[1:]
    assert '<td data-head="threshold">0.12</td>' in boat
    assert '<td data-head="there">5</td><td data-head="not there">35</td>' in boat
    assert 'x1="12.5%"' in boat  # 5 of 40
    assert 'x1="75%"' in sea
    assert 'width="60%"' in sea
    assert "notch" not in sky  # nothing can be ranked
    assert '<td data-head="AP">-</td>' in sky


def test_a_page_that_is_there_is_replaced(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", whole_report())
    (folder / "report.html").write_text("the page before")
    write_report_page(folder)
    assert "the page before" not in (folder / "report.html").read_text()
    assert {path.name for path in folder.iterdir()} == {
        "metrics.jsonl",
        "report.html",
        "report.json",
    }


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ({"runs": {"a": 0.5, "b": None}}, "holds several runs; name one of them: a, b"),
        ({"name": "a"}, "must be the report of a run, but what it says of"),
        ({**whole_report(), "test": "good"}, "must be the report of a run"),
        ([1], "the report of a run"),
    ],
)
def test_what_is_no_report_of_one_run_is_refused(
    tmp_path: Path, report: object, message: str
) -> None:
    folder = run_folder(tmp_path / "run", report)
    with pytest.raises(ValueError, match=message):
        write_report_page(folder)
    assert not (folder / "report.html").exists()


def test_a_run_that_is_not_finished_has_no_page(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no finished run"):
        write_report_page(tmp_path)
