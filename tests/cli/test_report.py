import json
from pathlib import Path

from tests.cli.test_bad_invocations import Run
from tests.training.run.test_report_page import run_folder, whole_report


def test_the_page_is_written_anew_and_named(home: Path, run: Run) -> None:
    run_folder(home / "mine", whole_report())
    assert run("report", "mine") == (0, "mine/report.html\n", "")
    first = (home / "mine" / "report.html").read_bytes()
    assert b"Learning curves" in first
    status, out, _ = run("report", "mine", "--json")
    assert (status, json.loads(out)) == (0, {"file": "mine/report.html"})
    assert (home / "mine" / "report.html").read_bytes() == first


def test_a_folder_without_a_finished_run_is_refused(home: Path, run: Run) -> None:
    status, out, err = run("report", "photos")
    assert (status, out) == (2, "")
    assert "photos/report.json: there is no finished run" in err
    assert not (home / "photos" / "report.html").exists()
