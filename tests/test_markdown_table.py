from math import nan

from trmml.markdown_table import markdown_table, percent
from trmml.metrics import ClassRow, format_class_table
from trmml.prediction import DecisionFigures, Evaluation
from trmml.training.run.report import report_text


def test_figures_are_aligned_right_and_names_left():
    lines = markdown_table(["class", "AP", "F1"], [["cat", "50.0", "-"]]).splitlines()
    assert lines == ["| class | AP | F1 |", "|---|---:|---:|", "| cat | 50.0 | - |"]
    assert markdown_table(["", ""], []).splitlines() == ["| | |", "|---|---:|"]


def test_a_name_with_a_bar_stays_one_cell_in_every_table():
    row = ClassRow("cat|dog", 1, 2, 0.5, 0.25, 1.0, 0.4)
    figures = DecisionFigures(*[0.5] * 6)
    found = Evaluation(3, 0, 1.0, 0.5, 0.5, figures, None, [row], None)
    report = {
        "name": "x",
        "selected_epoch": 0,
        "epochs": 1,
        "selection": "last",
        "learns_from": "images",
        "num_train": 3,
        "known_share": 1.0,
        "labels_sha256": "0" * 64,
        "validation": found.as_dict(),
        "test": None,
    }
    cells = r"| cat\|dog | 1 | 2 | 50.0 | 25.0 | 100.0 | 40.0 |"
    for text in (format_class_table([row]), str(found), report_text(report)):
        assert cells in text.splitlines()
        assert "|---|---:|---:|---:|---:|---:|---:|" in text.splitlines()


def test_a_share_in_percent():
    assert (percent(0.12345), percent(0.12345, decimals=2)) == ("12.3", "12.35")
    assert (percent(None), percent(nan)) == ("-", "nan")
