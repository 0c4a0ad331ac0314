import json
from pathlib import Path

from benchmarks.evidence.tables import first_table
from trmml.demo.report import HEAD, table_rows
from trmml.markdown_table import markdown_table

ROOT = Path(__file__).parents[1]


def test_the_readme_shows_what_the_demo_printed():
    report = json.loads((ROOT / "benchmarks" / "results" / "demo.json").read_text())
    assert (report["seed"], report["keep"], report["source"]) == (0, 0.1, "world")
    assert report["seconds"] < 240
    readme = (ROOT / "README.md").read_text()
    assert markdown_table(HEAD, table_rows(report)) in readme
    promised = report["completion"]["trmml_calibrated"]["selected"]
    for kind in ("positive", "negative"):
        assert f"{100 * promised[kind]['promised']:.0f} %" in readme


def test_the_readme_shows_the_committed_evidence():
    assert first_table() in (ROOT / "README.md").read_text()


def test_the_readme_s_picture_is_there():
    assert "docs/assets/demo.jpg" in (ROOT / "README.md").read_text()
    assert (ROOT / "docs" / "assets" / "demo.jpg").stat().st_size > 10_000
